"""Pruning and pinning from the command line. What may be removed is decided, and tested, in `qhas.upkeep.prune`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from fakes.records import record, run_record
from qhas.cli.main import app
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Artifact, Store, Upload
from qhas.verdict.model import CellVerdict, Verdict
from qhas.verdict.stored import write_verdicts
from tests.documents import write_yaml
from tests.qhas.objects import keys_named

LONG_AGO = 1_600_000_000


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with an old run of one cell, including its trace."""
    monkeypatch.chdir(tmp_path)
    write_yaml(tmp_path / "site.yaml", {"store": "store"})
    store = Store(str(tmp_path / "store"))
    cell = old_cell(store, tmp_path)
    store.write("runs/nightly-1/sweep.json", run_record(run_id="nightly-1").model_dump_json().encode())
    store.write(keys.manifest(keys.cell("nightly-1", cell.cell)), cell.model_dump_json().encode())
    for path in (tmp_path / "store").rglob("*"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return store


def old_cell(store: Store, folder: Path) -> CellRecord:
    (folder / "trace").write_bytes(b"x" * 1000)
    cell = record(run_id="nightly-1")
    (stored,) = store.upload(
        keys.cell("nightly-1", cell.cell), [Upload("chrometrace", folder / "trace", "chrometrace.json")]
    )
    assert isinstance(stored, Artifact)
    return cell.model_copy(update={"artifacts": [stored]})


def regression(**facts: object) -> CellVerdict:
    """A verdict on the old cell, between runs other than its own unless `facts` say otherwise."""
    known = {"run_id": "nightly-9", "before_run": "nightly-7", "since_run": "nightly-8"}
    figure = {"metric": "time_us", "origin": "simulator", "value": 1, "sentence": "It is slower."}
    document = {"cell": record().cell.key, "verdict": Verdict.NEW, **figure, **known, **facts}
    return CellVerdict.model_validate(document)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--site", "site.yaml"])


def trace_is_there(store: Store) -> bool:
    return bool(keys_named(store, "runs/nightly-1", "chrometrace.json"))


def test_prune_shows_what_would_go_and_removes_nothing(store: Store) -> None:
    shown = run("prune")
    assert shown.exit_code == 0
    assert "trace-old" in shown.output
    assert "--yes" in shown.output
    assert trace_is_there(store)


def test_prune_removes_with_yes_and_the_record_stays(store: Store) -> None:
    assert run("prune", "--yes").exit_code == 0
    assert not trace_is_there(store)
    assert keys_named(store, "runs/nightly-1", keys.MANIFEST)


@pytest.mark.parametrize("part", ["before_run", "since_run", "run_id"])
def test_the_traces_of_a_regression_stay(store: Store, part: str) -> None:
    verdict = regression(**{part: "nightly-1"})
    write_verdicts(store, verdict.run_id, [verdict])
    assert run("prune", "--yes").exit_code == 0
    assert trace_is_there(store)


def test_a_verdict_that_is_no_regression_keeps_no_trace(store: Store) -> None:
    write_verdicts(store, "nightly-9", [regression(before_run="nightly-1", verdict=Verdict.STEADY)])
    assert run("prune", "--yes").exit_code == 0
    assert not trace_is_there(store)


def test_a_regression_that_is_still_there_keeps_not_the_trace_of_every_night(store: Store) -> None:
    write_verdicts(store, "nightly-1", [regression(run_id="nightly-1", verdict=Verdict.SUSTAINED)])
    assert run("prune", "--yes").exit_code == 0
    assert not trace_is_there(store)


def test_prune_as_json_is_one_document(store: Store) -> None:
    document = json.loads(run("prune", "--json").stdout)
    assert [item["reason"] for item in document["items"]] == ["trace-old"]
    assert document["bytes"] >= 1000
    assert document["removed"] is False


def test_a_pinned_run_keeps_its_trace_until_the_pin_is_taken_away(store: Store) -> None:
    assert run("pin", "nightly-1").exit_code == 0
    run("prune", "--yes")
    assert trace_is_there(store)
    assert run("pin", "nightly-1", "--off").exit_code == 0
    run("prune", "--yes")
    assert not trace_is_there(store)


def test_a_run_that_is_not_there_cannot_be_pinned(store: Store) -> None:
    refused = run("pin", "nightly-2")
    assert refused.exit_code == 2
    assert "has no run nightly-2" in refused.output
