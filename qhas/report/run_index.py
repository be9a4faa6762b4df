"""The page over runs, kept current by every run that ends, however many end at once and on whatever store.

A run's entry is an object of its own, named by its content: `reports/index/<run_id>/<digest>.json`. Nobody else writes it,
so no lock is needed. The page is made of what a listing of the entries shows; whoever wrote it lists once more, and if
entries have come or gone since, makes it again. The page that was written last is therefore of all entries: one that it
lacks came after the listing it was made of, and its writer would have seen that.
`reports/index.json` only saves reading entries that are known: what it says of a name is true for ever.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

from pydantic import ValidationError

from qhas.naming import is_key
from qhas.report.entries import entry
from qhas.report.findings import Findings
from qhas.report.index_page import index_page
from qhas.runs import keys
from qhas.runs.index import Entry, read_known, write_known
from qhas.runs.record import CellRecord, SweepRecord
from qhas.store import Store

_SHOWN = 1000
_ROUNDS = 20
"""More runs than that do not end while a page is written; whoever is the last makes it whole."""


def publish_entry(store: Store, run: SweepRecord, cells: list[CellRecord], findings: Findings) -> None:
    """Put the run into the index, in the place of what stood there of it. Raises StoreError."""
    content = entry(run, cells, findings).model_dump_json().encode()
    key = keys.report_entry(run.run_id, hashlib.sha256(content).hexdigest()[:16])
    store.write(key, content)
    store.remove(other for other in _keys(store, keys.report_entries(run.run_id)) if other != key)
    _publish_page(store)


def _publish_page(store: Store) -> None:
    known = read_known(store)
    for _ in range(_ROUNDS):
        listed = _keys(store, keys.REPORT_ENTRIES)
        known = {key: entry for key in listed if (entry := known.get(key) or _read(store, key))}
        ordered = sorted(known.values(), key=lambda each: each.started_at, reverse=True)
        page = index_page(ordered[:_SHOWN], max(0, len(ordered) - _SHOWN))
        write_known(store, known)
        store.write(keys.REPORT_INDEX, page.encode())
        if _keys(store, keys.REPORT_ENTRIES) == listed:
            return


def _keys(store: Store, prefix: str) -> list[str]:
    names = (stored.key for stored in store.objects(prefix))
    return [key for key in names if PurePosixPath(key).suffix == ".json" and is_key(key)]


def _read(store: Store, key: str) -> Entry | None:
    """None for an entry that its run has replaced since, or that a later version wrote."""
    content = store.read(key)
    try:
        parsed = Entry.model_validate_json(content) if content else None
    except ValidationError:
        return None
    # A copy at another run's place would stand in the index twice.
    return parsed if parsed and key.startswith(f"{keys.report_entries(parsed.run_id)}/") else None
