"""Every command that waits for its store says so once, and exits with one sentence if it waits in vain."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from qhas.cli import screen, waiting
from qhas.cli.waiting import reporting_waits
from qhas.machine.waits import asked, waited_for
from qhas.store.patience import Patience
from tests.qhas.cli.desk import Desk

STORE = "s3://lab/store"
TOLD = f"qhas: waiting for the store {STORE}, which is retried for up to two minutes; stop it with Ctrl-C."
ASKING = (
    ("show", "nightly-1"),
    ("show", "nightly-1", "--against", "nightly-0"),
    ("compare", "nightly-0", "nightly-1"),
    ("compare", "nightly-1", "--baseline"),
    ("compare", "nightly-1/net/sm8750/default", "nightly-0/net/sm8750/default"),
    ("history", "net", "sm8750"),
    ("history", "--compact"),
    ("report", "nightly-1"),
    ("prune",),
    ("prune", "--yes"),
    ("pin", "nightly-1"),
    ("pin", "nightly-1", "--off"),
    ("verify", "nightly-1"),
    ("verify", "--all"),
    ("plan", "sweep.yaml", "--failed", "nightly-1"),
    ("sweep", "sweep.yaml"),
    ("profile", "net.dlc", "--soc", "sm8750"),
)


@pytest.fixture
def dead(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose store's endpoint nothing listens on; retries are held up until the user has been informed."""
    told = threading.Event()
    real = screen.errors.print

    def note(*sentence: object, **style: Any) -> None:
        real(*sentence, **style)
        told.set()

    def keep_trying(
        _: Patience, operation: Callable[[], object], passes: Callable[[BaseException], bool]
    ) -> object:
        try:
            return operation()
        except Exception as error:
            if passes(error):
                assert told.wait(600)
            raise

    monkeypatch.setattr(screen.errors, "print", note)
    monkeypatch.setattr(Patience, "keep_trying", keep_trying)
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 0.01)
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    desk.site({"store": STORE})
    return desk


@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_a_command_says_that_it_waits_and_ends_in_a_sentence(dead: Desk, words: tuple[str, ...]) -> None:
    result = dead.run(*words, "--site", "site.yaml")
    assert result.exit_code in (1, 2), result.output
    lines = result.stderr.splitlines()
    assert lines.count(TOLD) == 1
    assert lines[-1].startswith(f"qhas: The store {STORE} failed at ")
    assert "cannot be reached" in lines[-1]


def test_doctor_says_so_too_and_looks_at_the_rest(dead: Desk) -> None:
    result = dead.run("doctor", "--site", "site.yaml")
    assert (result.exit_code, result.stderr.splitlines()) == (1, [TOLD])
    assert "leases" in result.stdout


def test_nothing_is_told_where_the_store_answers(desk: Desk) -> None:
    assert "waiting" not in desk.run("verify", "--all", "--site", "site.yaml").output


def test_a_wait_ends_with_its_block() -> None:
    with asked("the store"):
        assert waited_for(0) == {"the store, which is retried for up to two minutes"}
        assert waited_for(3600) == set()
    assert waited_for(0) == set()


def test_a_transfer_is_no_wait_until_it_has_failed() -> None:
    with asked("the store", waits=False) as failed:
        assert waited_for(0) == set()
        failed()
        assert waited_for(0) == {"the store, which is retried for up to two minutes"}
    assert waited_for(0) == set()


def test_the_watch_ends_with_the_command() -> None:
    with reporting_waits():
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "qhas-waiting"]
