"""Messages of a command that is waiting, for its store for example."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from qhas.machine.waits import waited_for

SILENT_SECONDS = 5.0
_LOOKS_SECONDS = 0.5


@contextmanager
def reporting_waits() -> Iterator[None]:
    """Report on standard error, once each, what the block has been waiting for longer than `SILENT_SECONDS`."""
    over = threading.Event()
    watch = threading.Thread(target=_report, args=(over,), name="qhas-waiting", daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()


def _report(over: threading.Event) -> None:
    announced = set[str]()
    while not over.wait(min(SILENT_SECONDS, _LOOKS_SECONDS)):
        for what in waited_for(SILENT_SECONDS) - announced:
            announced.add(what)
            _say(f"waiting for {what}; stop it with Ctrl-C.")


def _say(sentence: str) -> None:
    from qhas.cli.screen import errors

    errors.print(f"qhas: {sentence}", style="yellow", soft_wrap=True)
