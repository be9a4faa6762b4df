"""The check of the history in the store: whether every file of it can be read."""

from __future__ import annotations

from qhas.runs import keys
from qhas.store import Store, StoreError
from qhas.upkeep.doctor.finding import Finding

_NAMED = 3


def examine(address: str) -> Finding:
    """Check for files that readers leave out. Reads only the footers and the columns of dates and names."""
    try:
        store = Store(address)
        if not store.children(keys.HISTORY):
            return Finding("history", True, "no night yet")
        from qhas.history.columns import KEY_NAMES  # a new lab need not spend half a second to import Arrow
        from qhas.history.damage import DamagedFile
        from qhas.history.files import Kind, listing
        from qhas.history.reading import Where, read_history

        damaged: list[DamagedFile] = []
        files = sum(len(listing(store, kind)) for kind in Kind)
        for kind in Kind:
            read_history(store, Where(), KEY_NAMES, kind, damaged.append)
    except StoreError as error:
        return Finding("history", False, str(error))
    if not damaged:
        return Finding("history", True, f"{files} files can be read")
    named = "; ".join(str(damage) for damage in damaged[:_NAMED])
    more = f"; and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
    return Finding(
        "history",
        False,
        f"{len(damaged)} of {files} files are left out: {named}{more}. Restore them from a backup, or delete them.",
    )
