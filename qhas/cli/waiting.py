"""A command that waits for its store says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from qhas.cli.screen import errors
from qhas.store import Store

_SILENT_SECONDS = 5.0


@contextmanager
def waiting_for(store: Store, silent_seconds: float = _SILENT_SECONDS) -> Iterator[None]:
    """Say on standard error that a store is waited for, if the block, which asks it, takes longer than that."""

    def tell() -> None:
        errors.print(
            f"qhas: waiting for the store {store.root}, which is asked for up to two minutes; Ctrl-C ends this.",
            style="yellow",
            soft_wrap=True,
        )

    timer = threading.Timer(silent_seconds, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
