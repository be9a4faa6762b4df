"""`qhas show`: exit codes, budgets, one JSON document, and what it refuses."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re

import pytest

from fakes.records import metrics, model, record, run_record, spec
from qhas.failures import FailureKind
from qhas.profile.figures import Profile
from qhas.runs import keys
from qhas.runs.budgets import check_budget
from qhas.runs.record import CellRecord, Origin
from qhas.store import Artifact, Store
from qhas.sweep.budget import Budget
from qhas.sweep.spec import Cell
from tests.qhas.archive.stored import put_nights
from tests.qhas.cli.desk import Desk
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made


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
    results = check_budget(budget, Profile(metrics()), Origin.SIMULATOR)
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


def test_cells_and_ops_are_printed_as_csv(desk: Desk) -> None:
    put_nights(desk.store)
    cells = desk.run("show", "latest", "--csv", "cells", "--site", "site.yaml")
    rows = list(csv.DictReader(io.StringIO(cells.stdout)))
    assert [(row["network"], row["soc"], row["status"]) for row in rows] == [
        ("net", "sm8750", "complete"),
        ("other", "sm8750", "complete"),
    ]
    ops = desk.run("show", "latest", "--csv", "ops", "--site", "site.yaml")
    first = next(csv.DictReader(io.StringIO(ops.stdout)))
    assert (first["op"], first["type"], first["dominant_cycles"]) == ("conv", "Conv2d", "100000")
    assert (cells.exit_code, ops.exit_code) == (0, 0)


def test_csv_goes_with_nothing_else(desk: Desk) -> None:
    put_nights(desk.store)
    assert "--csv prints only rows" in desk.refused(
        "show", "latest", "--csv", "ops", "--json", "--site", "site.yaml"
    )


def test_by_module_a_row_is_a_module_and_the_rest_is_listed(desk: Desk) -> None:
    sources = Artifact(name="sources", path="sources.json.gz", sha256="0" * 64, size=9)
    qhas = Artifact(name="qhas", path="qhas.json.gz", sha256="0" * 64, size=9)
    cells = store_run(
        desk.store,
        "nightly-1",
        {"alpha": [Made("conv", dominant=900), Made("lost", dominant=100)]},
        changes={"alpha": {"artifacts": [qhas, sources]}},
    )
    node = {"name": "/stem/Conv", "type": "Conv", "module": "stem", "file": "net.py", "line": 3}
    ops = {"conv": {"nodes": [0], "evidence": "name"}}
    packed = gzip.compress(json.dumps({"nodes": [node], "ops": ops}).encode())
    desk.store.write(keys.file(cells[0], sources), packed)
    shown = desk.run("show", "nightly-1", "--site", "site.yaml", "--by", "module").stdout
    assert "90.0 % in modules, 0.0 % at inputs and outputs, 10.0 % not mapped" in shown
    assert "Without a known module: 10.0 % (lost 10.0 %)." in shown
    document = json.loads(
        desk.run("show", "nightly-1", "--site", "site.yaml", "--by", "node", "--json").stdout
    )
    (row,) = document["cells"][0]["rows"]
    assert (row["name"], row["module"], row["dominant"], row["source"]) == (
        "/stem/Conv",
        "stem",
        900,
        "net.py:3",
    )


def test_by_node_of_a_dlc_says_why_there_is_nothing(desk: Desk) -> None:
    store_run(desk.store, "nightly-1", {"alpha": [Made("conv")]})
    assert (
        "it was given as a DLC" in desk.run("show", "nightly-1", "--site", "site.yaml", "--by", "node").stdout
    )


@pytest.mark.parametrize(
    "options", [("--by", "node", "--csv", "ops"), ("--depth", "2"), ("--by", "node", "--depth", "2")]
)
def test_by_stands_alone_and_depth_is_of_modules(desk: Desk, options: tuple[str, ...]) -> None:
    publish(desk.store, GOOD, OTHER)
    assert "--by" in desk.refused("show", "nightly-1", "--site", "site.yaml", *options)
