"""Bad input is refused in one sentence before anything runs, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from qhas.cli import screen
from qhas.site.sdk import HOST_TARGET, HOST_TOOLS, Tool, host_sdk_root
from tests.demo.conftest import QHAS, environment
from tests.qhas.cli.desk import Desk

pytestmark = pytest.mark.hostsdk

NET = {"name": "net", "dlc": "net.dlc"}
NAMES = ["../up", "$(reboot)", "two\nlines", "x" * 101, ""]
SPECS: dict[str, tuple[dict[str, object], str]] = {
    "a key that is none": ({"speed": "fast"}, "speed: no such key"),
    "a model's key that is none": ({"models": [NET | {"quant": 8}]}, "models.0.quant: no such key"),
    "two models of one name": ({"models": [NET, NET]}, "net is listed twice"),
    "names that differ in case only": ({"models": [NET, NET | {"name": "Net"}]}, "listed twice"),
    "a DLC that is not there": ({"models": [NET | {"dlc": "no.dlc"}]}, "There is no file"),
    "a list that is not there": ({"models": [NET | {"inputs": "no.txt"}]}, "There is no file"),
    "an address nobody knows": ({"models": [NET | {"dlc": "nowhere://b/n.dlc"}]}, "nowhere://b/n.dlc"),
    "a SoC that no tool could take": ({"socs": ["sa8255; reboot"]}, "cannot be a SoC"),
    "a value out of range": ({"variants": {"vtcm_mb": [2, 80]}}, "variants.vtcm_mb.1: it should be"),
    "nothing left": ({"exclude": [{"soc": "sa8255"}]}, "no cell left"),
    "a network's path with a NUL": ({"models": [NET | {"dlc": "a\0b"}]}, "cannot be a path"),
}


@pytest.fixture
def desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with one SoC that the host SDK simulates, and a home directory of its own."""
    desk.sweep(socs=["sa8255"])
    monkeypatch.setenv("HOME", str(desk.folder / "home"))
    return desk


def refused(desk: Desk, *arguments: str) -> str:
    """The sentence of a command that refuses its input; asserts that it has stored nothing."""
    sentence = desk.refused(*arguments)
    assert sentence.endswith(".")
    assert not (desk.folder / "qhas-store").exists()
    assert not (desk.folder / "store").exists()
    assert not (desk.folder / "home").exists()
    return sentence


def broken_sdk(folder: Path, missing: Tool) -> Path:
    """A copy of the host SDK without one of its tools."""
    root, whole = folder / "sdk", host_sdk_root()
    for part in ("bin", "lib"):
        (root / part).mkdir(parents=True)
    (root / "lib" / HOST_TARGET).symlink_to(whole / "lib" / HOST_TARGET)
    tools = root / "bin" / HOST_TARGET
    tools.mkdir()
    for tool in (whole / "bin" / HOST_TARGET).iterdir():
        if tool.name != missing:
            (tools / tool.name).symlink_to(tool)
    return root


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_plain_file_name_is_refused(desk: Desk, name: str) -> None:
    desk.sweep(models=[{"name": name, "dlc": "net.dlc"}])
    assert f"models.0.name: {name!r} cannot be a name" in refused(desk, "sweep", "sweep.yaml")


@pytest.mark.parametrize("fault", SPECS)
def test_a_sweep_that_cannot_run_is_refused_in_one_sentence(desk: Desk, fault: str) -> None:
    changes, says = SPECS[fault]
    desk.sweep(**changes)
    assert says in refused(desk, "sweep", "sweep.yaml")


def test_a_refusal_starts_no_prefect(desk: Desk) -> None:
    desk.sweep(speed="fast")
    done = subprocess.run(
        [str(QHAS), "sweep", "sweep.yaml"],
        env=environment() | {"HOME": str(desk.folder / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in desk.folder.iterdir()) == ["net.dlc", "site.yaml", "sweep.yaml"]


@pytest.mark.parametrize("run_id", ["../other", "two\nlines"])
def test_a_run_id_that_is_no_plain_name_is_refused(desk: Desk, run_id: str) -> None:
    assert "The run id is not valid" in refused(desk, "sweep", "sweep.yaml", "--run-id", run_id)


@pytest.mark.parametrize("missing", HOST_TOOLS)
def test_an_sdk_without_a_tool_is_refused_by_the_tools_name(desk: Desk, missing: Tool) -> None:
    desk.site({"store": "store", "sdk": {"root": str(broken_sdk(desk.folder, missing))}})
    said = refused(desk, "sweep", "sweep.yaml", "--site", "site.yaml")
    assert re.findall(r"(?:snpe|qnn)-[a-z-]+", said) == [missing.value]


def test_an_sdk_root_that_is_not_there_is_refused(desk: Desk) -> None:
    desk.site({"sdk": {"root": "nowhere"}})
    assert "is not a directory" in refused(desk, "sweep", "sweep.yaml", "--site", "site.yaml")


def test_a_grid_beyond_reason_is_only_planned(desk: Desk) -> None:
    desk.sweep(
        variants={
            "vtcm_mb": list(range(65)),
            "hvx_threads": list(range(1, 17)),
            "optimization_level": [1, 2, 3],
        }
    )
    planned = desk.run("plan", "sweep.yaml", "--json")
    assert planned.exit_code == 0, planned.stderr
    assert len(json.loads(planned.stdout)["cells"]) == 65 * 16 * 3


def test_a_plan_shows_paths_as_they_are(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = desk.folder / "[" / "red]"
    folder.mkdir(parents=True)
    for name in ("sweep.yaml", "net.dlc"):
        shutil.copy(desk.folder / name, folder)
    shutil.copy(desk.folder / "net.dlc", desk.folder / "[" / "net.dlc")
    monkeypatch.setattr(screen.console, "width", 400)
    monkeypatch.chdir(folder)
    planned = desk.run("plan", "sweep.yaml")
    assert planned.exit_code == 0, planned.stderr
    assert f"{folder}{os.sep}net.dlc" in planned.stdout


def test_a_dlc_in_a_home_that_nobody_has_is_refused(desk: Desk) -> None:
    said = refused(desk, "profile", "~nobody-of-that-name/net.dlc", "--soc", "sa8255")
    assert "~nobody-of-that-name" in said


def test_a_password_in_the_stores_url_is_never_printed(desk: Desk) -> None:
    desk.site({"store": "nowhere://user:of-the-url-93aa@host/lab"})
    shown = desk.run("show", "one", "--site", "site.yaml")
    assert shown.exit_code == 2
    assert "of-the-url-93aa" not in shown.output


def test_a_network_that_the_demo_does_not_have_is_refused(desk: Desk) -> None:
    assert "has no network alexnet; choose from inception_v1" in refused(desk, "demo", "--network", "alexnet")
    assert not (desk.folder / "qhas-demo").exists()


@pytest.mark.parametrize("option", ["--markdown", "--junit"])
def test_a_gate_whose_result_could_not_be_written_is_refused_before_it_runs(desk: Desk, option: str) -> None:
    said = refused(desk, "gate", "net.dlc", "net.dlc", "--soc", "sa8255", option, "nowhere/gate.out")
    assert "there is no folder nowhere" in said
