"""The lab as site.yaml describes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from qhas.failures import InvalidInput
from qhas.site import Site, load_site, require_devices
from tests.documents import write_yaml


def site_of(folder: Path, document: Any) -> Site:
    return load_site(write_yaml(folder / "site.yaml", document), environ={})


def test_without_a_file_the_store_is_a_folder_here_and_any_soc_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    site = load_site(environ={})
    assert site.store == str(tmp_path.resolve() / "qhas-store")
    assert site.serves("sm8750")


def test_the_environment_names_the_file_where_no_path_is_given(tmp_path: Path) -> None:
    file = write_yaml(tmp_path / "lab.yaml", {"store": "memory://from-environment"})
    other = write_yaml(tmp_path / "other.yaml", {"store": "memory://from-path"})
    environ = {"QHAS_SITE": str(file)}
    assert load_site(environ=environ).store == "memory://from-environment"
    assert load_site(other, environ=environ).store == "memory://from-path"


def test_an_empty_variable_names_no_file() -> None:
    assert load_site(environ={"QHAS_SITE": ""}).devices == []


@pytest.mark.parametrize(
    ("store", "read"),
    [
        ("artifacts", "{folder}/artifacts"),
        ("../artifacts", "{parent}/artifacts"),
        ("/srv/artifacts", "/srv/artifacts"),
        ("s3://qhas-artifacts/lab1", "s3://qhas-artifacts/lab1"),
    ],
)
def test_a_store_is_taken_from_the_files_folder(tmp_path: Path, store: str, read: str) -> None:
    folder = tmp_path.resolve()
    assert site_of(tmp_path, {"store": store}).store == read.format(folder=folder, parent=folder.parent)


@pytest.mark.parametrize("number", [".inf", ".nan"])
@pytest.mark.parametrize(
    "keys",
    [
        "gate: {skin_celsius: NUMBER}",
        "gate: {patience_seconds: NUMBER}",
        "devices: [{name: a, soc: sm8750, answer_seconds: NUMBER}]",
    ],
)
def test_a_number_that_no_record_could_hold_is_refused(tmp_path: Path, keys: str, number: str) -> None:
    (tmp_path / "site.yaml").write_text(keys.replace("NUMBER", number))
    with pytest.raises(InvalidInput, match="it should be"):
        load_site(tmp_path / "site.yaml")


def test_an_sdk_root_is_taken_from_the_files_folder(tmp_path: Path) -> None:
    site = site_of(tmp_path, {"sdk": {"root": "sdks/2.45"}})
    assert site.sdk.root == tmp_path.resolve() / "sdks" / "2.45"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"stores": "x"}, "stores: no such key"),
        ({"store": " "}, "store: there is no value"),
        ({"sdk": {"path": "/opt"}}, "sdk.path: no such key"),
        ({"devices": [{"name": "a", "soc": "sm8750", "port": 1}]}, "devices.0.port: no such key"),
        ({"devices": [{"name": "a b", "soc": "sm8750"}]}, "devices.0.name: 'a b' cannot be a name"),
        ({"devices": [{"name": "a"}]}, "devices.0.soc: "),
        ({"devices": [{"name": "a", "soc": "sm8750", "transport": "pigeon"}]}, "devices.0.transport: "),
        ({"viewer": "moon"}, "viewer: "),
        ({"sdk": {"env": {"N": 1}}}, "sdk.env.N: "),
        ({"store": "~nobody-of-this-name/x"}, "store: '~nobody-of-this-name/x' cannot be a path"),
        ([], "is not valid: it should be a mapping"),
        ("store: [", "is not YAML"),
    ],
)
def test_a_wrong_site_is_refused_with_the_place(tmp_path: Path, document: Any, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        site_of(tmp_path, document)
    assert told in str(refused.value)
    assert str(tmp_path / "site.yaml") in str(refused.value)


def test_two_devices_of_one_name_are_refused(tmp_path: Path) -> None:
    twins = [{"name": "a", "soc": "sm8750"}, {"name": "a", "soc": "sm8650"}]
    with pytest.raises(InvalidInput, match="devices must have different names; a is listed twice"):
        site_of(tmp_path, {"devices": twins})


def test_a_soc_without_a_device_is_refused_with_what_there_is(tmp_path: Path) -> None:
    site = site_of(tmp_path, {"devices": [{"name": "a", "soc": "sm8750"}, {"name": "b", "soc": "sm8750"}]})
    require_devices(site, ["sm8750"])
    with pytest.raises(InvalidInput, match="has SoC sm8650, sa8255; its devices are for sm8750"):
        require_devices(site, ["sm8650", "sm8750", "sa8255"])


def test_a_device_is_listed_once() -> None:
    phone = {"soc": "sm8750", "transport": "adb", "serial": "3b15aq0"}
    with pytest.raises(ValidationError, match="adb:3b15aq0 is listed twice"):
        Site.model_validate({"devices": [phone | {"name": "one"}, phone | {"name": "two"}]})
