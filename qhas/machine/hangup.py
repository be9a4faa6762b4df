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
    with _interrupting(signal.SIGHUP):
        yield


@contextmanager
def end_interrupts() -> Iterator[None]:
    """The same of SIGTERM as well, for what has to tidy up whoever ends it."""
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
