"""Each check answers with one sentence, good or bad."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qhas.doctor import Finding, examine
from qhas.sdk import HOST_TOOLS, Tool
from qhas.site import SdkRef, Site
from tests.fakes.sdk import build_fake_sdk


def findings(folder: Path, *, version: str = "2.48.0.260101", **site: Any) -> dict[str, Finding]:
    """Answers by check, for a site with a fake SDK of a version."""
    root = folder / "sdk"
    if not root.exists():
        build_fake_sdk(root, version=version)
    asked = {"store": str(folder / "store"), "sdk": SdkRef(root=root)} | site
    return {finding.what: finding for finding in examine(Site.model_validate(asked))}


def test_a_good_site_is_good_in_everything(tmp_path: Path) -> None:
    answers = findings(tmp_path)
    bad = [finding for finding in answers.values() if not finding.good and finding.what != "scratch"]
    assert not bad
    assert {"host", "Prefect", "SDK", "store", "scratch", "devices", *HOST_TOOLS} - answers.keys() == {
        Tool.PROFILE_VIEWER
    }


@pytest.mark.parametrize("tool", [Tool.GRAPH_PREPARE, Tool.NET_RUN])
def test_a_tool_from_before_qhas_is_told_by_its_help(tmp_path: Path, tool: Tool) -> None:
    finding = findings(tmp_path, version="2.39.0.250926")[tool]
    assert not finding.good
    assert "does not know --profiling_level qhas" in finding.answer


def test_an_sdk_that_is_not_there_is_bad_and_the_rest_is_still_examined(tmp_path: Path) -> None:
    answers = findings(tmp_path, sdk=SdkRef(root=tmp_path / "gone"))
    assert not answers["SDK"].good
    assert answers["store"].good


def test_a_store_that_refuses_is_bad(tmp_path: Path, failing: set[str]) -> None:
    failing.add("pipe_file")
    finding = findings(tmp_path, store="failing://doctor")["store"]
    assert not finding.good
    assert "slow down" in finding.answer


def test_a_store_is_left_as_it_was(tmp_path: Path) -> None:
    findings(tmp_path)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_devices_are_listed_with_their_socs(tmp_path: Path) -> None:
    devices = [{"name": "a", "soc": "sm8750"}, {"name": "b", "soc": "sa8255"}]
    assert findings(tmp_path, devices=devices)["devices"].answer == "a (sm8750), b (sa8255)"
