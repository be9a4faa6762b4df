"""Python's collector of cyclic garbage, where very many small objects are made that none of it is."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS_A_COLLECTION = 250_000
"""More than the imports of a command make. Python's own threshold costs these a tenth of their CPU time, a report and the verdicts of a night a sixth."""


def collect_rarely() -> None:
    """Seldom look for garbage, as long as this process lives."""
    gc.set_threshold(_ALLOCATIONS_A_COLLECTION, *gc.get_threshold()[1:])


def collect_no_more() -> None:
    """For the end of a process: Python looks through all there is several times before it goes, a third of a second of a command."""
    gc.freeze()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Seldom look for garbage meanwhile; also as a decorator."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
