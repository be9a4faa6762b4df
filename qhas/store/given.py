"""Check that what a caller passes as a store is one."""

from __future__ import annotations

import os

from qhas.failures import InvalidInput


def require_store(store: object) -> None:
    """Raise InvalidInput for the address of a store instead of a store, and for None."""
    if store is None or isinstance(store, str | os.PathLike):
        raise InvalidInput(f"{str(store)!r} is not a store: give qhas.Store(...) with its folder or URL.")
