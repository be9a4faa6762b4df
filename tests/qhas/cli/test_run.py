"""The command: what it prints, where, and its exit codes. Nothing here starts a run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from fakes.records import metrics, model, record, run_record, spec
from fakes.sdk import build_fake_sdk
from qhas.cli import main as cli
from qhas.cli import run as run_commands
from qhas.failures import FailureKind
from qhas.runs import keys
from qhas.runs.budgets import check_budget
from qhas.runs.durations import Durations
from qhas.runs.record import CellRecord, Origin
from qhas.runs.stored import ending
from qhas.store import Store, StoreError
from qhas.sweep.budget import Budget
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell, load_sweep
from tests.documents import write_yaml


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that gets as far as a flow has failed."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("bad input reached a flow")

    monkeypatch.setattr(run_commands, "_run_flow", refuse)
    monkeypatch.delenv("QHAS_SITE", raising=False)


class Desk:
    """A folder with a sweep, a site and a network, and the command run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(str(folder / "store"))
        (folder / "net.dlc").write_bytes(b"dlc")
        write_yaml(
            folder / "sweep.yaml",
            {"name": "nightly", "models": [{"name": "net", "dlc": "net.dlc"}], "socs": ["sm8650", "sm8750"]},
        )
        write_yaml(folder / "site.yaml", {"store": "store"})

    def site(self, document: Any) -> None:
        write_yaml(self.folder / "site.yaml", document)

    def sweep(self, **changes: Any) -> None:
        document = json.loads((self.folder / "sweep.yaml").read_text())
        write_yaml(self.folder / "sweep.yaml", document | changes)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli.app, list(arguments))

    def refused(self, *arguments: str) -> str:
        """The sentence on standard error with which the command refuses."""
        result = self.run(*arguments)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        (sentence,) = result.stderr.splitlines()
        assert sentence.startswith("qhas: ")
        return sentence


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def test_plan_shows_every_cell_and_runs_nothing(desk: Desk) -> None:
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml")
    assert result.exit_code == 0
    assert "sm8650" in result.stdout
    assert "2 cells, 0 left out" in result.stdout
    assert not (desk.folder / "store").exists()


def test_plan_as_json_is_one_document(desk: Desk) -> None:
    desk.sweep(exclude=[{"soc": "sm8650"}])
    result = desk.run("plan", "sweep.yaml", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert [cell["soc"] for cell in document["cells"]] == ["sm8750"]
    assert document["excluded"] == 1
    assert document["device_hours"] == pytest.approx(60 / 3600)


def test_plan_without_an_sdk_says_that_it_cannot_know_what_is_prepared(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}})
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml")
    assert result.exit_code == 0
    assert "What is prepared already is not known" in result.output
    document = json.loads(desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json").stdout)
    assert document["prepared"] is None


def test_plan_knows_what_the_sweep_took_last_time(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}})
    key = "net/sm8650/default"
    last = Durations(run_id="one", seconds={key: Forecast(40.0, 10.0)})
    desk.store.write("sweeps/nightly/durations.json", last.model_dump_json().encode())
    document = json.loads(desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json").stdout)
    assert document["forecast_seconds"][key] == {"prepare": 40.0, "device": 10.0, "known": True}
    assert document["device_hours"] == pytest.approx((10 + 60) / 3600)


@pytest.mark.parametrize(
    ("options", "cells"),
    [
        (["--soc", "*50"], ["net/sm8650/default", "net/sm8750/default"]),
        (["--soc", "sm865*"], ["net/sm8650/default"]),
        (["--canary", "--soc", "sm8750"], ["net/sm8750/default"]),
        (["--failed", "one"], ["net/sm8750/default"]),
    ],
)
def test_options_narrow_a_sweep(desk: Desk, options: list[str], cells: list[str]) -> None:
    spec = load_sweep(desk.folder / "sweep.yaml")
    begun = run_record(run_id="one", spec=spec)
    desk.store.write("runs/one/sweep.json", begun.model_dump_json().encode())
    for soc, failure in (("sm8650", None), ("sm8750", FailureKind.DISK)):
        cell = record(Cell(model=spec.models[0], soc=soc), run_id="one", failure=failure)
        desk.store.write(f"runs/one/{cell.cell.key}/manifest.json", cell.model_dump_json().encode())
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json", *options)
    assert result.exit_code == 0, result.output
    planned = json.loads(result.stdout)["cells"]
    assert [f"{c['model']['name']}/{c['soc']}/{c['variant']}" for c in planned] == cells


def test_a_run_that_could_not_be_ended_is_told_with_exit_code_1(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends_without_a_store(*_: Any, run_id: str, **__: Any) -> None:
        with ending(run_id):
            raise StoreError("The store is gone.")

    build_fake_sdk(desk.folder / "sdk")
    desk.site({"store": "store", "sdk": {"root": "sdk"}})
    monkeypatch.setattr(run_commands, "_run_flow", ends_without_a_store)
    result = desk.run("sweep", "sweep.yaml", "--site", "site.yaml", "--run-id", "one")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith("(The store is gone); --run-id one completes it.")


SITES = [
    {"name": "lab1", "deployment": "sweep/lab1", "socs": {"sm8650": 1}},
    {"name": "lab2", "deployment": "sweep/lab2", "socs": {"sm8750": 2}},
]


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (None, "The sites file sites.yaml cannot be read"),
        ({"sites": [{"name": "lab1"}]}, "sites.0.deployment"),
        ({"sites": [SITES[0], SITES[0]]}, "lab1 is listed twice"),
        ({"sites": []}, "No site is listed"),
    ],
    ids=["no file", "not valid", "twice", "none"],
)
def test_sites_that_cannot_share_a_sweep_are_refused_in_one_sentence(
    desk: Desk, document: Any, told: str
) -> None:
    if document is not None:
        write_yaml(desk.folder / "sites.yaml", document)
    assert told in desk.refused("sweep", "sweep.yaml", "--site", "site.yaml", "--sites", "sites.yaml")


def test_a_sweep_over_sites_needs_neither_sdk_nor_devices_nor_networks_here(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(run_commands, "_run_flow", lambda name, **given: started.append((name, given)))
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}, "devices": [{"name": "a", "soc": "qcs9100"}]})
    (desk.folder / "net.dlc").unlink()
    write_yaml(desk.folder / "sites.yaml", {"sites": SITES})
    desk.run("sweep", "sweep.yaml", "--site", "site.yaml", "--sites", "sites.yaml", "--run-id", "one")
    ((name, given),) = started
    assert name == "sweep-sites"
    assert [site.name for site in given["sites"]] == ["lab1", "lab2"]
    assert (given["run_id"], given["site"], given["spec"].name) == ("one", "site.yaml", "nightly")


def test_an_unknown_soc_is_a_warning(desk: Desk) -> None:
    desk.sweep(socs=["sm9999"])
    result = desk.run("plan", "sweep.yaml")
    assert result.exit_code == 0
    assert "sm9999 is not in this version's list" in " ".join(result.output.split())


Bad = Callable[[Desk], object]
BAD_INPUT: dict[str, tuple[Bad, str]] = {
    "no such file": (lambda desk: (desk.folder / "sweep.yaml").unlink(), "sweep.yaml cannot be read"),
    "not yaml": (lambda desk: write_yaml(desk.folder / "sweep.yaml", "a: ["), "is not YAML"),
    "unknown key": (lambda desk: desk.sweep(soc="sm8750"), "soc: no such key"),
    "wrong value": (lambda desk: desk.sweep(run={"repetitions": -1}), "run.repetitions"),
    "impossible variant": (
        lambda desk: desk.sweep(variants={"vtcm_mb": [999]}),
        "variants.vtcm_mb.0: Input should be",
    ),
    "all excluded": (lambda desk: desk.sweep(exclude=[{"model": "net"}]), "has no cell left"),
    "no dlc": (lambda desk: (desk.folder / "net.dlc").unlink(), "There is no file"),
    "no input list": (
        lambda desk: desk.sweep(models=[{"name": "net", "dlc": "net.dlc", "inputs": "gone.txt"}]),
        "gone.txt",
    ),
    "no site": (lambda desk: (desk.folder / "site.yaml").unlink(), "site.yaml cannot be read"),
    "wrong site": (lambda desk: desk.site({"stores": "x"}), "stores: no such key"),
    "no device": (
        lambda desk: desk.site({"devices": [{"name": "a", "soc": "sm8650"}]}),
        "No device of this site has SoC sm8750; its devices are for sm8650",
    ),
}


@pytest.mark.parametrize("command", ["plan", "sweep"])
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_sentence_and_exit_code_2(desk: Desk, command: str, case: str) -> None:
    spoil, told = BAD_INPUT[case]
    spoil(desk)
    assert told in desk.refused(command, "sweep.yaml", "--site", "site.yaml")


BAD_SITE: dict[str, tuple[Any, str]] = {
    "no sdk": ({"sdk": {"root": "gone"}}, "gone named by site.yaml is not a directory"),
    "sdk without tools": ({"sdk": {"root": "."}}, "has no usable"),
}


@pytest.mark.parametrize("case", BAD_SITE)
def test_an_sdk_that_cannot_be_used_is_refused_before_anything_runs(desk: Desk, case: str) -> None:
    site, told = BAD_SITE[case]
    desk.site(site)
    assert told in desk.refused("sweep", "sweep.yaml", "--site", "site.yaml")
    assert told in desk.refused("profile", "net.dlc", "--soc", "sm8750", "--site", "site.yaml")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--optimization-level", "7"], "prepare.optimization_level"),
        (["--soc", "SM8750"], "'SM8750' cannot be a SoC"),
        (["--soc", "sm8650"], "sm8650 is listed twice"),
        (["--vtcm-mb", "-1"], "vtcm_mb"),
        (["--inputs", "gone.txt"], "gone.txt"),
    ],
)
def test_bad_options_of_profile_are_one_sentence(desk: Desk, arguments: list[str], told: str) -> None:
    assert told.rpartition(".")[2] in desk.refused("profile", "net.dlc", "--soc", "sm8650", *arguments)


def test_a_dlc_of_any_file_name_can_be_profiled_as_far_as_its_sdk(desk: Desk) -> None:
    desk.site({"sdk": {"root": "gone"}})
    for name in ("_v1.dlc", "my net (2).dlc", "-x.dlc", "nét.dlc"):
        (desk.folder / name).write_bytes(b"dlc")
        told = desk.refused("profile", "--soc", "sm8750", "--site", "site.yaml", "--", name)
        assert "gone named by site.yaml" in told


@pytest.mark.parametrize(
    "arguments",
    [["profile", "net.dlc"], ["sweep"], ["plan", "sweep.yaml", "--fast"], ["show"], ["profle"]],
    ids=" ".join,
)
def test_a_command_line_that_is_not_understood_is_exit_code_2(desk: Desk, arguments: list[str]) -> None:
    result = desk.run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def publish(store: Store, *cells: CellRecord) -> None:
    run = run_record(2, spec=spec(socs=["sm8650", "sm8750"]))
    store.write(keys.sweep_record(run.run_id), run.model_dump_json().encode())
    for cell in cells:
        store.write(keys.manifest(keys.cell(cell.run_id, cell.cell)), cell.model_dump_json().encode())


GOOD = record(Cell(model=model(), soc="sm8650"))
OTHER = record(Cell(model=model(), soc="sm8750"))
FAILED = record(Cell(model=model(), soc="sm8750"), failure=FailureKind.LOG_EMPTY)


@pytest.mark.parametrize(
    ("cells", "code"), [((GOOD, OTHER), 0), ((GOOD, FAILED), 1), ((GOOD,), 1), ((), 1)], ids=range(4)
)
def test_show_ends_good_only_when_every_cell_is(desk: Desk, cells: tuple[CellRecord, ...], code: int) -> None:
    publish(desk.store, *cells)
    assert desk.run("show", "nightly-1", "--site", "site.yaml").exit_code == code


def test_a_cell_over_budget_is_shown_with_its_limit_and_ends_in_exit_code_1(desk: Desk) -> None:
    budget = Budget.model_validate({"time_us": 500})
    results = check_budget(budget, metrics(), None, Origin.SIMULATOR)
    publish(desk.store, GOOD, record(OTHER.cell, budgets=results))
    done = desk.run("show", "nightly-1", "--site", "site.yaml")
    assert done.exit_code == 1
    assert "over budget net on sm8750: time_us: 1,371 µs (simulated); allowed: at most 500 µs." in done.stdout
    assert re.search(r"sm8750 +over", done.stdout)


def test_show_as_json_is_one_document(desk: Desk) -> None:
    publish(desk.store, GOOD, FAILED)
    document = json.loads(desk.run("show", "nightly-1", "--site", "site.yaml", "--json").stdout)
    assert document["run"]["run_id"] == "nightly-1"
    assert [cell["status"] for cell in document["cells"]] == ["complete", "failed"]


def test_show_against_a_run_that_is_not_there_is_refused_and_without_a_baseline_it_is_said(
    desk: Desk,
) -> None:
    publish(desk.store, GOOD, OTHER)
    assert "no run gone" in desk.refused("show", "nightly-1", "--site", "site.yaml", "--against", "gone")
    done = desk.run("show", "nightly-1", "--site", "site.yaml", "--against", "baseline")
    assert done.exit_code == 0
    assert "no finished run of sweep nightly before" in done.stderr


@pytest.mark.parametrize("run_id", ["nightly-9", "../x", "a b"])
def test_show_of_an_unknown_run_is_refused(desk: Desk, run_id: str) -> None:
    assert run_id in desk.refused("show", run_id, "--site", "site.yaml")


def test_a_store_of_an_unknown_kind_is_refused(desk: Desk) -> None:
    desk.site({"store": "nowhere://x"})
    assert "nowhere://x" in desk.refused("show", "nightly-1", "--site", "site.yaml")


@pytest.mark.parametrize("run_id", ["a b", "../x"])
def test_a_run_id_that_is_no_name_is_refused_before_anything_runs(desk: Desk, run_id: str) -> None:
    build_fake_sdk(desk.folder / "sdk")
    desk.site({"store": "store", "sdk": {"root": "sdk"}})
    assert "cannot be a name" in desk.refused(
        "sweep", "sweep.yaml", "--site", "site.yaml", "--run-id", run_id
    )


def test_doctor_says_what_is_wrong_and_ends_with_1(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "gone"}})
    result = desk.run("doctor", "--site", "site.yaml")
    assert result.exit_code == 1
    assert "is not a directory" in " ".join(result.stdout.split())
