"""A terminal that is closed, or a connection to it that breaks, ends a run as Ctrl-C does: tidily."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hangup_interrupts() -> Iterator[None]:
    """Within the block SIGHUP is SIGINT, whoever handles that. Where it is ignored, as under nohup, it stays so.

    Only the main thread can do this; in any other the block changes nothing.
    """
    before = signal.getsignal(signal.SIGHUP)
    if before in (signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
