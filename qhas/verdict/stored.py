"""Verdicts in the store: `runs/<run_id>/verdicts.json`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter, ValidationError

from qhas.runs import keys
from qhas.store import Store
from qhas.verdict.model import CellVerdict

_VERDICTS = TypeAdapter(list[CellVerdict])


def read_verdicts(store: Store, run_id: str) -> list[CellVerdict]:
    """Return the verdicts of a run; none if it was not judged, or by another version. Raises StoreError."""
    return stored_verdicts(store, [run_id])


def stored_verdicts(store: Store, run_ids: Iterable[str]) -> list[CellVerdict]:
    """Return the verdicts of several runs. Raises StoreError."""
    ids = list(run_ids)
    contents = store.read_all([keys.verdicts(run_id) for run_id in ids])
    return [
        verdict
        for run_id, content in zip(ids, contents, strict=True)
        if content
        for verdict in _parse(content)
        if verdict.run_id == run_id  # a file that was copied from another run says nothing about this one
    ]


def _parse(content: bytes) -> list[CellVerdict]:
    try:
        return _VERDICTS.validate_json(content)
    except ValidationError:
        return []


def write_verdicts(store: Store, run_id: str, verdicts: Sequence[CellVerdict]) -> None:
    """Store the verdicts of a run in place of earlier ones. Raises StoreError."""
    store.write(keys.verdicts(run_id), _VERDICTS.dump_json(list(verdicts), indent=1))
