"""Runs in a store, with records and QHAS files, as a sweep leaves them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fakes.records import MOMENT, model, record, run_record, spec
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.runs.stored import planned_cells
from qhas.store import Artifact, Store
from tests.qhas.diff.summaries import Made, document

NETWORKS = ("alpha", "beta")


def store_run(
    store: Store,
    run_id: str,
    networks: Mapping[str, list[Made]],
    *,
    day: int = 0,
    changes: Mapping[str, dict[str, Any]] | None = None,
    name: str = "nightly",
) -> list[CellRecord]:
    """Store a run with one cell per network on sm8750; `changes` to the records are keyed by network."""
    sweep = spec(name=name, models=[model(network) for network in networks])
    started = MOMENT + timedelta(days=day)
    run = run_record(cells=len(networks), run_id=run_id, spec=sweep, started_at=started)
    store.write(keys.sweep_record(run_id), run.model_dump_json().encode())
    return [
        _store_cell(
            store,
            record(**{"cell": cell, "run_id": run_id} | _facts(changes, cell.model.name)),
            networks[cell.model.name],
        )
        for cell in planned_cells(sweep)
    ]


def _facts(changes: Mapping[str, dict[str, Any]] | None, network: str) -> dict[str, Any]:
    qhas = Artifact(name="qhas", path="qhas.json.gz", sha256="0" * 64, size=9)
    return {"artifacts": [qhas]} | dict((changes or {}).get(network, {}))


def _store_cell(store: Store, made: CellRecord, ops: list[Made]) -> CellRecord:
    prefix = keys.cell(made.run_id, made.cell)
    store.write(f"{prefix}/qhas.json.gz", gzip.compress(json.dumps(document(ops)).encode()))
    store.write(f"{prefix}/{keys.MANIFEST}", made.model_dump_json().encode())
    return made
