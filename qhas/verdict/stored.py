"""Verdicts in the store: `runs/<run_id>/verdicts.json`."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from qhas.runs.stored import run_prefix
from qhas.store import Store
from qhas.verdict.model import VERDICTS, CellVerdict

_VERDICTS = TypeAdapter(list[CellVerdict])


def read_verdicts(store: Store, run_id: str) -> list[CellVerdict]:
    """The verdicts of a run; none for one that was not judged, or by another version. Raises StoreError."""
    content = store.read(f"{run_prefix(run_id)}/{VERDICTS}")
    try:
        return _VERDICTS.validate_json(content) if content else []
    except ValidationError:
        return []


def write_verdicts(store: Store, run_id: str, verdicts: Sequence[CellVerdict]) -> None:
    """Keep the verdicts of a run in place of earlier ones. Raises StoreError."""
    store.write(f"{run_prefix(run_id)}/{VERDICTS}", _VERDICTS.dump_json(list(verdicts), indent=1))
