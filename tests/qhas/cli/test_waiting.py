"""Who waits for a store is told; who does not hears nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from qhas.cli import waiting
from qhas.cli.waiting import waiting_for
from qhas.store import Store


def test_it_is_told_while_the_store_is_still_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, sentences = threading.Event(), []

    def note(sentence: str, **_: object) -> None:
        sentences.append(sentence)
        told.set()

    monkeypatch.setattr(waiting.errors, "print", note)
    store = Store(str(tmp_path))
    with waiting_for(store, silent_seconds=0):
        told.wait()  # as a store that does not answer: only the sentence ends this
    assert sentences == [
        f"qhas: waiting for the store {store.root}, which is asked for up to two minutes; Ctrl-C ends this."
    ]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_told_once_the_store_has_answered_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    timers = []
    real = threading.Timer

    def kept(*arguments: object) -> threading.Timer:
        timers.append(real(*arguments))  # type: ignore[arg-type]
        return timers[-1]

    monkeypatch.setattr(threading, "Timer", kept)
    try:
        with waiting_for(Store(str(tmp_path)), silent_seconds=3600):
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    (timer,) = timers
    timer.join()
    assert timer.finished.is_set()
