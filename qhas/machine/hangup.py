"""A terminal that is closed, or a connection to it that breaks, ends a run as Ctrl-C does: tidily."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hangup_interrupts() -> Iterator[None]:
    """Within the block SIGHUP is SIGINT, whoever handles that. Where SIGHUP is ignored, as under nohup, it stays so.

    Where SIGINT is ignored, as a shell has it for what a script starts with `&`, SIGHUP interrupts all the same. Only the main
    thread can do this; in any other the block changes nothing.
    """
    before = signal.getsignal(signal.SIGHUP)
    if before in (signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupt = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        if interrupt is signal.SIG_IGN:
            signal.signal(signal.SIGINT, interrupt)


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
