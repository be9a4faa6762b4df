"""The viewer's configuration file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hostsdk.viewer.features import Configuration, Feature, FeatureError, read_configuration
from tests.hostsdk.viewer.conftest import Desk

COMPANIONS = {
    "htp_json": "chrometrace_htp.json",
    "runtrace": "chrometrace_runtrace.json",
    "qhas_json": "chrometrace_qnn_htp_analysis_summary.json",
    "qhas_schema": "qhas_schema.json",
}
ALWAYS = {"chrometrace.json", "chrometrace_qnn_htp_analysis_summary.html"}
DEFAULTS = {Feature.HTP_JSON, Feature.RUNTRACE, Feature.MEMORY_INFO, Feature.TRACEBACK}


def read(tmp_path: Path, document: Any) -> Configuration:
    (tmp_path / "config.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return read_configuration(tmp_path / "config.json")


@pytest.mark.parametrize("document", [{}, {"features": {}}])
def test_defaults_are_the_vendors(tmp_path: Path, document: Any) -> None:
    assert read(tmp_path, document).features == DEFAULTS
    assert Configuration().features == DEFAULTS


@pytest.mark.parametrize("feature", Feature)
@pytest.mark.parametrize("on", [True, False])
def test_a_switch_changes_its_feature_and_no_other(tmp_path: Path, feature: Feature, on: bool) -> None:
    expected = DEFAULTS | {feature} if on else DEFAULTS - {feature}
    assert read(tmp_path, {"features": {feature.value: on}}).features == expected


def test_keys_outside_of_features_are_ignored_silently(tmp_path: Path) -> None:
    assert read(tmp_path, {"qhas_json": True, "traceback": "no", "other": []}) == Configuration()


def test_an_unknown_feature_is_warned_about_with_the_nearest_name(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, {"features": {"qhas_jsn": True}}).warnings
    assert warning.startswith('Unknown feature "qhas_jsn" in ')
    assert warning.endswith('did you mean "qhas_json"?')


@pytest.mark.parametrize("value", ["true", 1, None, []])
def test_a_switch_that_is_no_boolean_is_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(FeatureError, match=r'"runtrace" in the configuration .* must be true or false, not'):
        read(tmp_path, {"features": {"runtrace": value}})


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a JSON object"),
        ('{"features": []}', "must be an object of switches"),
        ('{"gzip": "yes"}', '"gzip" in the configuration'),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, document: str, complaint: str) -> None:
    with pytest.raises(FeatureError, match=complaint):
        read(tmp_path, document)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeatureError, match="cannot be read"):
        read_configuration(tmp_path / "absent.json")


@pytest.mark.parametrize(("feature", "name"), COMPANIONS.items())
def test_a_companion_is_written_exactly_when_its_feature_is_on(desk: Desk, feature: str, name: str) -> None:
    off = dict.fromkeys(COMPANIONS, False)
    assert desk.view(features=off) == 0
    assert desk.files == ALWAYS
    assert desk.view(features=off | {feature: True}) == 0
    assert desk.files == ALWAYS | {name}


def test_the_warning_reaches_stderr_and_the_run_goes_on(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.view(features={"speed": True}) == 0
    assert 'Unknown feature "speed"' in capsys.readouterr().err
