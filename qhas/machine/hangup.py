"""Closing a terminal, or losing the connection to it, ends a run as Ctrl-C does: tidily."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hangup_interrupts() -> Iterator[None]:
    """Turn SIGHUP into SIGINT within the block, whatever handles SIGINT. An ignored SIGHUP, as under nohup, stays so.

    Even if SIGINT is ignored, as for anything that a shell script starts with `&`, SIGHUP interrupts. Only the main
    thread can do this; in any other the block changes nothing.
    """
    with _interrupting(signal.SIGHUP):
        yield


@contextmanager
def end_interrupts() -> Iterator[None]:
    """Do the same for SIGTERM as well, for work that has to tidy up however it is terminated."""
    with _interrupting(signal.SIGHUP), _interrupting(signal.SIGTERM):
        yield


@contextmanager
def _interrupting(number: signal.Signals) -> Iterator[None]:
    before = signal.getsignal(number)
    if before in (signal.SIG_IGN, None) or threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupt = signal.getsignal(signal.SIGINT)
    signal.signal(number, _interrupt)
    try:
        yield
    finally:
        signal.signal(number, before)
        if interrupt is signal.SIG_IGN:
            signal.signal(signal.SIGINT, interrupt)


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
