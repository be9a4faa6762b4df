"""The latency of a suspicious cell, measured again in the same sweep on another lease.

There is one small object per run and site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter, ValidationError

from qhas.devices.facts import DeviceFacts, HealthFacts
from qhas.documents import Moment, Stored
from qhas.failures import Failure
from qhas.profile.metrics import Latency
from qhas.runs import keys
from qhas.runs.record import Attempt, CellRecord
from qhas.store import Store


class Rerun(Stored):
    """What a cell's re-run measured, or why it measured nothing. It confirms or clears; it does not replace a figure."""

    cell: str
    taken_at: Moment
    device: DeviceFacts | None = None
    health: HealthFacts | None = None
    latency: Latency | None = None
    attempts: list[Attempt] = []
    failure: Failure | None = None


_RERUNS = TypeAdapter(list[Rerun])


def read_reruns(store: Store, run_id: str, records: Iterable[CellRecord]) -> dict[str, Rerun]:
    """Return the re-runs of a run by cell key, of all sites, without those of cells that were profiled again since."""
    prefix = keys.run(run_id)
    names = [name for name in store.children(prefix) if keys.are_reruns(name)]
    reruns = [rerun for name in names for rerun in _read(store, f"{prefix}/{name}")]
    finished = {record.cell.key: record.finished_at for record in records}
    return {
        rerun.cell: rerun
        for rerun in sorted(reruns, key=lambda rerun: rerun.taken_at)
        if rerun.cell in finished and rerun.taken_at >= finished[rerun.cell]
    }


def _read(store: Store, key: str) -> list[Rerun]:
    content = store.read(key)
    try:
        return _RERUNS.validate_json(content) if content else []
    except ValidationError:
        return []


def write_reruns(store: Store, run_id: str, reruns: Mapping[str, Rerun], site: str | None = None) -> None:
    """Store the re-runs of a run, or of a site's part of it, in an object that nothing else writes."""
    store.write(keys.reruns(run_id, site), _RERUNS.dump_json(list(reruns.values()), indent=1))
