"""The check of the runs in the store: whether it still holds what their records say."""

from __future__ import annotations

from qhas.store import Store, StoreError
from qhas.units import counted
from qhas.upkeep.doctor.finding import Finding

_WHAT = "stored runs"


def examine(address: str) -> Finding:
    """Read every file of every run, however long that takes."""
    from qhas.upkeep.verify import (
        all_damages,
        extent,
        run_ids,
        verify_runs,
    )  # nothing else here reads records

    try:
        store = Store(address)
        checked = verify_runs(store, run_ids(store))
    except StoreError as error:
        return Finding(_WHAT, False, str(error))
    damages = all_damages(checked)
    if not damages:
        return Finding(_WHAT, True, f"{extent(checked)}: all as stored")
    first = f"{damages[0].key}: {damages[0].fault}. {damages[0].sentence}"
    step = "`qhas verify --all` lists them all; with --discard their cells can be run again."
    return Finding(_WHAT, False, f"{counted(len(damages), 'damage')} in {extent(checked)}. {first} {step}")
