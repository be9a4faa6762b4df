"""The index page of all runs, updated by every run that ends, however many end at once and whatever the store.

A run's entry is an object of its own, named by its content: `reports/index/<run_id>/<digest>.json`. No other run
writes it, so no lock is needed. The page is built from a listing of the entries; its writer then lists them once
more, and builds it again if entries have been added or removed since. The page written last therefore has all
entries: one that it lacks was added after the listing it was built from, and its writer would have seen that.

`reports/index.json` only saves reading known entries again: what it says about a name never changes.
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
"""The most attempts: fewer runs than this end while a page is written, and the last writer completes it."""


def publish_entry(store: Store, run: SweepRecord, cells: list[CellRecord], findings: Findings) -> None:
    """Add the run to the index in place of any earlier entry of the same run. Raises StoreError."""
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
    """Read an entry; None if its run has replaced it since, or a later version wrote it."""
    content = store.read(key)
    try:
        parsed = Entry.model_validate_json(content) if content else None
    except ValidationError:
        return None
    # A copy under another run's prefix would appear in the index twice.
    return parsed if parsed and key.startswith(f"{keys.report_entries(parsed.run_id)}/") else None
