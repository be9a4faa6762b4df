"""The latency of a suspicious cell, taken again in the same sweep on another lease. One small object a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from qhas.condition import poor
from qhas.failures import Failure
from qhas.record import Attempt, CellRecord, DeviceFacts, HealthFacts, Latency, Stored
from qhas.runs import run_prefix
from qhas.store import Store

RERUNS = "reruns.json"


class Rerun(Stored):
    """What a cell's re-run measured, or why it measured nothing. It confirms or clears; it replaces no figure."""

    cell: str
    taken_at: datetime
    device: DeviceFacts | None = None
    health: HealthFacts | None = None
    latency: Latency | None = None
    attempts: list[Attempt] = []
    failure: Failure | None = None

    def poor(self, record: CellRecord) -> list[str]:
        """What makes its latency one that should not be quoted, as for the cell's own."""
        return poor(record.model_copy(update={"health": self.health, "latency": self.latency}))


_RERUNS = TypeAdapter(list[Rerun])


def read_reruns(store: Store, run_id: str, records: Iterable[CellRecord]) -> dict[str, Rerun]:
    """The re-runs of a run by cell key; those of cells that were profiled anew since then do not count."""
    content = store.read(f"{run_prefix(run_id)}/{RERUNS}")
    try:
        found = _RERUNS.validate_json(content) if content else []
    except ValidationError:
        return {}
    finished = {record.cell.key: record.finished_at for record in records}
    return {one.cell: one for one in found if one.cell in finished and one.taken_at >= finished[one.cell]}


def write_reruns(store: Store, run_id: str, reruns: Mapping[str, Rerun]) -> None:
    """Keep the re-runs of a run, all of them in one object."""
    store.write(f"{run_prefix(run_id)}/{RERUNS}", _RERUNS.dump_json(list(reruns.values()), indent=1))
