"""What stores contain besides records (verdicts, forecasts, indexes, graphs, pictures), and pages of odd records."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console

from fakes.records import health, latency, measured, model, run_record, runtrace, spec
from qhas.cell.prepared import PreparedGraphs
from qhas.cli.tables.run import show_run
from qhas.failures import InvalidInput
from qhas.history import Where, append, compact, read_history, read_reruns
from qhas.lab.duration import InStore, expect
from qhas.report.gather import _explanation, _timeline
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.accepted import read_acceptances
from qhas.runs.durations import Durations, read_durations, write_durations
from qhas.runs.listing import run_lines
from qhas.runs.record import CellRecord
from qhas.runs.stored import stored_cells
from qhas.store import Store
from qhas.sweep.expectation import Expectations
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import Cell
from qhas.upkeep.lab_metrics import run_families
from qhas.upkeep.openmetrics import openmetrics
from qhas.verdict.stored import read_verdicts
from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.qhas.history.test_damage import GOOD, LATER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) + 600)]
RUN = run_record()
(CELL,) = plan_sweep(spec(), look_up=False).cells
GOOD_CELL = measured(
    CELL, run_id=RUN.run_id, runtrace=runtrace(), health=health(after=2), latency=latency(100, 102, 300)
)
SEEDS = {
    keys.verdicts(RUN.run_id): [
        {
            **{"run_id": RUN.run_id, "cell": CELL.key, "metric": "median_us", "origin": "device", "verdict": "new"},
            **{"value": 101.5, "baseline": 90.0, "change_percent": 12.5, "points": 9, "since": "2026-03-01"},
        }
    ],
    keys.accepted("nightly", CELL.key, RUN.run_id): {
        **{"sweep": "nightly", "run_id": RUN.run_id, "cell": CELL.key, "night": "2026-03-01", "by": "ann"},
        **{"at": "2026-03-02T08:00:00Z", "reason": "a new layer", "budgets": {"time_us": 900.0}},
    },
    keys.reruns(RUN.run_id): [{"cell": CELL.key, "taken_at": "2026-03-02T08:00:00Z", "attempts": []}],
    keys.durations("nightly"): json.loads(
        Durations(run_id=RUN.run_id, seconds={CELL.key: (2.5, 1.0)}, finish={CELL.key: 0.5}).model_dump_json()
    ),
    keys.KNOWN_ENTRIES: {
        "a": {
            **{"run_id": RUN.run_id, "name": "nightly", "state": "complete", "started_at": "2026-03-01T22:00:00Z"},
            **{"finished_at": "2026-03-01T23:00:00Z", "cells": 1, "good": 1, "failed": 0, "missing": 0},
            **{"networks": 1, "socs": ["sm8750"]},
        }
    },
    keys.manifest(keys.prepared("0" * 64)): {
        "files": [
            {"name": name, "path": name, "sha256": "0" * 64, "size": 3}
            for name in ("prepared.dlc", "net_schematic.bin")
        ]
    },
}  # fmt: skip


def stored_run(name: str) -> Store:
    store = Store(f"memory://{name}")
    store.write(keys.sweep_record(RUN.run_id), RUN.model_dump_json().encode())
    store.write(keys.manifest(keys.cell(RUN.run_id, CELL)), GOOD_CELL.model_dump_json().encode())
    return store


@pytest.mark.parametrize("key", SEEDS, ids=lambda key: key.split("/")[0] + "-" + key.rsplit("/")[-1])
def test_what_lies_beside_records(key: str, tmp_path: Path) -> None:
    store = stored_run(f"beside-{abs(hash(key))}")

    def read(content: bytes) -> None:
        store.write(key, content)
        read_verdicts(store, RUN.run_id)
        read_acceptances(store)
        read_reruns(store, RUN.run_id, [GOOD_CELL])
        run_lines(store)
        known = Expectations(read_durations(store, "nightly").forecasts)
        said = expect([CELL, Cell(model=model("new"), soc="sm8750")], known, InStore(), {"sm8750": 1}, 1)
        assert said
        timedelta(seconds=said.high or said.seconds)
        write_durations(store, "nightly", RUN.run_id, [GOOD_CELL])
        PreparedGraphs(store).fetch("0" * 64, tmp_path)
        openmetrics(run_families(store, "*", datetime(2026, 1, 1, tzinfo=UTC)))

    fuzz([json.dumps(SEEDS[key]).encode()], read, share=1 / len(SEEDS))


def test_odd_records_as_tables_rows_and_metrics() -> None:
    store, console = stored_run("odd"), Console(file=io.StringIO(), width=100)

    def read(content: bytes) -> None:
        store.write(keys.manifest(keys.cell(RUN.run_id, CELL)), content)
        if not (found := stored_cells(store, RUN.run_id, [CELL])):
            return
        (record,) = found
        show_run(console, RUN, [record])
        openmetrics(run_families(store, "*", datetime(2026, 1, 1, tzinfo=UTC)))
        append(store, RUN, [record])
        read_history(store, Where())

    fuzz([GOOD_CELL.model_dump_json().encode()], read, ValidationError, InvalidInput)


def test_odd_records_as_pages() -> None:
    store = stored_run("pages")

    def read(content: bytes) -> None:
        record = CellRecord.model_validate_json(content, extra="ignore")
        publish_report(store, RUN, [record])

    fuzz([GOOD_CELL.model_dump_json().encode()], read, ValidationError)


def test_pictures_and_explanations_of_cells() -> None:
    lane = {"name": "HMX 0", "busy": [50], "op": [0]}
    picture = {
        **{
            "end_cycle": 900,
            "bin_cycles": 450,
            "ops": [{"work": "other", "qnn": "Conv2d"}],
            "dominant": lane,
        },
        **{
            "lanes": [lane],
            "counters": [{"name": "VTCM", "kind": "held", "bytes": [1, 2]}],
            "clock_mhz": 1400.0,
        },
    }

    def read(content: bytes) -> None:
        for packed in (content, gzip.compress(content, 1)):
            _timeline(packed)
            _explanation(packed)

    fuzz([json.dumps(picture).encode()], read)


def test_months_that_are_compacted() -> None:
    names = iter(range(1 << 30))

    def read(content: bytes) -> None:
        store = Store(f"memory://months-{next(names)}")
        for night in (1, 2):
            store.write(f"history/date=2026-03-0{night}/night.parquet", content if night == 2 else GOOD)
        compact(store, LATER)
        store.write("history/month=2026-03/compacted.parquet", content)
        compact(store, LATER)
        read_history(store, Where())
        store.delete("history")

    fuzz([GOOD], read)
