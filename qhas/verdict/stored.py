"""Verdicts in the store: `runs/<run_id>/verdicts.json`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from qhas.runs import keys
from qhas.store import Store
from qhas.verdict.model import CellVerdict

_VERDICTS = TypeAdapter(list[CellVerdict])


def read_verdicts(store: Store, run_id: str) -> list[CellVerdict]:
    """The verdicts of a run; none for one that was not judged, or by another version. Raises StoreError."""
    content = store.read(keys.verdicts(run_id))
    try:
        return _VERDICTS.validate_json(content) if content else []
    except ValidationError:
        return []


def write_verdicts(store: Store, run_id: str, verdicts: Sequence[CellVerdict]) -> None:
    """Keep the verdicts of a run in place of earlier ones. Raises StoreError."""
    store.write(keys.verdicts(run_id), _VERDICTS.dump_json(list(verdicts), indent=1))
