"""Python's collector of cyclic garbage, for code that makes very many small objects without any such garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS_A_COLLECTION = 250_000
"""More than the imports of a command make. Python's own threshold costs these a tenth of their CPU time, and a report
and the verdicts of a night a sixth."""


def collect_rarely() -> None:
    """Collect garbage rarely, for as long as this process lives."""
    gc.set_threshold(_ALLOCATIONS_A_COLLECTION, *gc.get_threshold()[1:])


def collect_no_more() -> None:
    """Exempt everything from collection at the end of a process.

    Python would otherwise examine all objects several times before it exits: a third of a second of a command.
    """
    gc.freeze()


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect garbage rarely within the block; also as a decorator."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)
