"""Stores for a notebook to read: two nights of two networks, one of them slower on the second, with its traces."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace

from fakes.profiles import chrometrace
from qhas.history import append
from qhas.runs import keys
from qhas.runs.stored import load_run
from qhas.store import Artifact, Store
from tests.qhas.diff.stored import store_run
from tests.qhas.diff.summaries import Made

FAST = [Made("conv"), Made("add", "Add")]
SLOW = [FAST[0], replace(FAST[1], dominant=400_000)]
TRACE = gzip.compress(chrometrace().encode(), mtime=0)
WITH_TRACE = [
    Artifact(name="qhas", path="qhas.json.gz", sha256="0" * 64, size=9),
    Artifact(
        name="chrometrace",
        path="chrometrace.json.gz",
        sha256=hashlib.sha256(TRACE).hexdigest(),
        size=len(TRACE),
    ),
]


def put_nights(store: Store, network: str = "net") -> None:
    """Store the runs `nightly-1` and `nightly-2` with their history."""
    store_run(
        store, "nightly-1", {network: FAST, "other": FAST}, changes={network: {"artifacts": WITH_TRACE}}
    )
    store_run(
        store,
        "nightly-2",
        {network: SLOW, "other": FAST},
        day=1,
        changes={network: {"artifacts": WITH_TRACE}},
    )
    for run_id in ("nightly-1", "nightly-2"):
        run, cells = load_run(store, run_id)
        append(store, run, cells)
        (cell,) = (each for each in cells if each.cell.model.name == network)
        place = f"{keys.cell(run_id, cell.cell)}/chrometrace.json.gz"
        store.write(place, TRACE)
