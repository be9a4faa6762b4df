"""The index of runs: one line per run, enough to choose among runs without reading their records."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ConfigDict, TypeAdapter, ValidationError

from qhas.documents import Moment, Stored
from qhas.naming import Name
from qhas.runs import keys
from qhas.runs.record import Origin, SweepState
from qhas.store import Store
from qhas.units import lasting


class Entry(Stored):
    """A run in one line."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    run_id: Name
    name: str
    state: SweepState
    started_at: Moment
    finished_at: Moment | None = None
    cells: int
    good: int
    failed: int
    missing: int
    origins: list[Origin] = []
    networks: int
    socs: list[str]
    sdk: str = ""
    summary: str = ""
    worse: int = 0
    doubt: int = 0

    @property
    def minutes(self) -> str:
        """How long the run took, as in `12.4 min` or `8 s`; empty until it has ended."""
        if self.finished_at is None:
            return ""
        return lasting(self.finished_at - self.started_at)


_BY_KEY = TypeAdapter(dict[str, Entry])


def read_known(store: Store) -> Mapping[str, Entry]:
    """Return the lines, by object key, of the runs that had a report when a report was last written."""
    content = store.read(keys.KNOWN_ENTRIES)
    try:
        return _BY_KEY.validate_json(content) if content else {}
    except ValidationError:
        return {}


def write_known(store: Store, entries: Mapping[str, Entry]) -> None:
    """Store the lines, so that the next report need not read them one by one."""
    store.write(keys.KNOWN_ENTRIES, _BY_KEY.dump_json(dict(entries)))
