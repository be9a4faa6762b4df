"""Answers this process is still waiting for, in one place, so that the part that talks to the user can report them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_begun: dict[object, tuple[str, float]] = {}
"""By a token for each wait: what is waited for and for how long at most, and since when by the monotonic clock."""


@contextmanager
def asked(
    what: str, lasts: str = "retried for up to two minutes", *, waits: bool = True
) -> Iterator[Callable[[], None]]:
    """Count the block as a wait, described by `lasts`; with `waits` off, only once the yielded function is called."""
    token = object()

    def begin() -> None:
        _begun.setdefault(token, (f"{what}, which is {lasts}", time.monotonic()))

    if waits:
        begin()
    try:
        yield begin
    finally:
        _begun.pop(token, None)


def waited_for(seconds: float) -> set[str]:
    """Return what has not answered for at least this long, and how long it may take."""
    now = time.monotonic()
    return {what for what, since in list(_begun.values()) if now - since >= seconds}
