"""The page over runs, kept current by every run that ends, however many end at once and on whatever store.

A run's entry is an object of its own, named by its content: `reports/index/<run_id>/<digest>.json`. Nobody else writes it,
so no lock is needed. The page is made of what a listing of the entries shows; whoever wrote it lists once more, and if
entries have come or gone since, makes it again. The page that was written last is therefore of all entries: one that it
lacks came after the listing it was made of, and its writer would have seen that.
`reports/index.json` only saves reading entries that are known: what it says of a name is true for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from qhas.record import CellRecord, Origin, SweepRecord, SweepState
from qhas.report.findings import Findings
from qhas.report.pages import index_page
from qhas.report.standing import Tone, standing
from qhas.store import Store

_ENTRIES = "reports/index"
_KNOWN = "reports/index.json"
_PAGE = "reports/index.html"
_SHOWN = 1000
_ROUNDS = 20
"""More runs than that do not end while a page is written; whoever is the last makes it whole."""


class Entry(BaseModel):
    """A run in a line."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    run_id: str
    name: str
    state: SweepState
    started_at: datetime
    finished_at: datetime | None = None
    cells: int
    good: int
    failed: int
    missing: int
    origins: list[Origin] = []
    networks: int
    socs: list[str]
    sdk: str = ""
    summary: list[str] = []
    worse: int = 0
    doubt: int = 0

    @property
    def minutes(self) -> str:
        """How long the run took, as in `12.4 min`; empty while it has not ended."""
        if self.finished_at is None:
            return ""
        return f"{(self.finished_at - self.started_at).total_seconds() / 60:,.1f} min"


_BY_KEY = TypeAdapter(dict[str, Entry])


def publish_entry(store: Store, run: SweepRecord, cells: list[CellRecord], findings: Findings) -> None:
    """Put the run into the index, in the place of what stood there of it. Raises StoreError."""
    content = _entry(run, cells, findings).model_dump_json().encode()
    key = f"{_ENTRIES}/{run.run_id}/{hashlib.sha256(content).hexdigest()[:16]}.json"
    store.write(key, content)
    store.remove(found for found in _keys(store, f"{_ENTRIES}/{run.run_id}") if found != key)
    _publish_page(store)


def _publish_page(store: Store) -> None:
    known = _read_known(store)
    for _ in range(_ROUNDS):
        keys = _keys(store, _ENTRIES)
        known = {key: entry for key in keys if (entry := known.get(key) or _read(store, key))}
        ordered = sorted(known.values(), key=lambda entry: entry.started_at, reverse=True)
        page = index_page(ordered[:_SHOWN], max(0, len(ordered) - _SHOWN))
        store.write(_KNOWN, _BY_KEY.dump_json(known))
        store.write(_PAGE, page.encode())
        if _keys(store, _ENTRIES) == keys:
            return


def _entry(run: SweepRecord, cells: list[CellRecord], findings: Findings) -> Entry:
    tones = [standing(cell, findings).tone for cell in cells]
    return Entry(
        run_id=run.run_id,
        name=run.spec.name,
        state=run.state,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cells=run.cells,
        good=run.good,
        failed=run.failed,
        missing=run.missing,
        origins=[origin for origin in Origin if any(cell.origin is origin for cell in cells)],
        networks=len({cell.cell.model.name for cell in cells}),
        socs=list(dict.fromkeys(cell.cell.soc for cell in cells)),
        sdk=run.sdk.version if run.sdk else "",
        summary=list(findings.summary[:3]),
        worse=tones.count(Tone.WORSE),
        doubt=tones.count(Tone.DOUBT),
    )


def _keys(store: Store, prefix: str) -> list[str]:
    return [found.key for found in store.objects(prefix) if PurePosixPath(found.key).suffix == ".json"]


def _read_known(store: Store) -> Mapping[str, Entry]:
    content = store.read(_KNOWN)
    try:
        return _BY_KEY.validate_json(content) if content else {}
    except ValidationError:
        return {}


def _read(store: Store, key: str) -> Entry | None:
    """None for an entry that its run has replaced since, or that a later version wrote."""
    content = store.read(key)
    try:
        return Entry.model_validate_json(content) if content else None
    except ValidationError:
        return None
