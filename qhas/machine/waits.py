"""What this process has asked and has no answer to yet: whoever talks to the user can say so, in one place for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_begun: dict[object, tuple[str, float]] = {}
"""What is waited for, and how long at most, and since when by the monotonic clock, by a token of each wait."""


@contextmanager
def asked(
    what: str, lasts: str = "asked for up to two minutes", *, waits: bool = True
) -> Iterator[Callable[[], None]]:
    """Count the block as a wait, which `lasts` so long; with `waits` off, only from the first call of what it is given."""
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
    """What has not answered for so long, or longer, and how long it may take."""
    now = time.monotonic()
    return {what for what, since in list(_begun.values()) if now - since >= seconds}
