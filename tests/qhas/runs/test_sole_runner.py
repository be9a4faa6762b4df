"""Only one process at a time runs a run."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from qhas.failures import InvalidInput
from qhas.machine.process_identity import ProcessIdentity
from qhas.runs.sole_runner import RunTaken, sole_runner
from qhas.store import Store
from qhas.store.claims import Claim
from tests.qhas.store.test_claims import dead_process

RUN = "nightly-1"
KEY = f"runs/{RUN}/claim.json"
ELSEWHERE = ProcessIdentity(place="another-boot pid:[4026531836]", pid=7, started=1)


def put(store: Store, process: ProcessIdentity | None, seconds: float = 60.0) -> None:
    """Store another process's claim."""
    claim = Claim(
        owner="other",
        host="lab-3 (process 7)",
        process=process,
        expires=datetime.now(UTC) + timedelta(seconds=seconds),
    )
    store.write(KEY, claim.model_dump_json().encode())


async def test_a_second_process_is_refused_by_name_and_the_run_goes_on(store: Store) -> None:
    async with sole_runner(store, RUN):
        with pytest.raises(InvalidInput, match=rf"Run {RUN} is being run by .*process \d+.*stop it"):
            async with sole_runner(store, RUN):
                pytest.fail("two run it")
    async with sole_runner(store, RUN), sole_runner(store, "nightly-2"):
        pass
    assert not store.exists(KEY)


async def test_a_site_s_part_is_run_alone_beside_the_run_and_the_other_parts(store: Store) -> None:
    async with sole_runner(store, RUN), sole_runner(store, RUN, site="lab1"):
        async with sole_runner(store, RUN, site="lab2"):
            pass
        with pytest.raises(InvalidInput, match=f"Run {RUN} is being run by"):
            async with sole_runner(store, RUN, site="lab1"):
                pytest.fail("two run it")


async def test_a_run_whose_process_died_here_is_taken_over_at_once(store: Store) -> None:
    put(store, dead_process())
    waits = list[str]()
    async with sole_runner(store, RUN, waits.append):
        assert waits == []


async def test_a_run_whose_process_died_elsewhere_is_taken_over_when_no_sign_of_life_came(
    store: Store,
) -> None:
    put(store, ELSEWHERE)
    told, began = list[str](), time.monotonic()
    async with sole_runner(store, RUN, told.append, seconds=1):
        assert time.monotonic() - began > 1
    assert told == [f"run {RUN} was run by lab-3 (process 7): waiting up to 1 s for a sign of life"]


async def test_a_run_that_lives_elsewhere_is_left_alone(store: Store) -> None:
    put(store, ELSEWHERE)

    with pytest.raises(InvalidInput, match="is being run by lab-3"):
        async with sole_runner(store, RUN, lambda _: put(store, ELSEWHERE, seconds=90), seconds=2):
            pytest.fail("two run it")


async def test_a_run_that_died_elsewhere_long_ago_is_taken_over_at_once(store: Store) -> None:
    put(store, ELSEWHERE, seconds=-120)
    waits = list[str]()
    async with sole_runner(store, RUN, waits.append):
        assert waits == []


async def test_a_process_that_was_taken_for_dead_says_so(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with sole_runner(store, RUN, seconds=0.3):
        put(store, ELSEWHERE)
        while not caplog.records:
            await asyncio.sleep(0.02)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "was taken over by lab-3 (process 7)" in caplog.text


async def test_who_has_the_run_may_store(store: Store) -> None:
    async with sole_runner(store, RUN) as tenure:
        tenure.require()


async def test_who_was_taken_for_dead_stores_nothing_more(store: Store) -> None:
    async with sole_runner(store, RUN) as tenure:
        put(store, ELSEWHERE)
        with pytest.raises(RunTaken, match=r"was taken over by lab-3 \(process 7\)") as refused:
            tenure.require()
    assert refused.value.exit_code == 1


async def test_a_run_that_another_process_has_ended_meanwhile_is_no_longer_ours(store: Store) -> None:
    async with sole_runner(store, RUN) as tenure:
        store.delete(f"runs/{RUN}/claim.json")
        with pytest.raises(RunTaken, match="was taken over, and has ended"):
            tenure.require()


_ODD = '{{"owner": "o", "host": "h", "process": {{"place": "p", "pid": {}, "started": 1}}, "expires": "{}"}}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\x00\x00",
        pytest.param(_ODD.format(7, "2999-01-01T00:00:00").encode(), id="a time without its zone"),
        pytest.param(_ODD.format(7, "9999-12-31T23:59:59Z").encode(), id="the end of the calendar"),
        pytest.param(_ODD.format(1 << 40, "2999-01-01T00:00:00Z").encode(), id="no process's number"),
    ],
)
async def test_a_claim_that_is_none_keeps_nobody_away(store: Store, content: bytes) -> None:
    store.write(f"runs/{RUN}/claim.json", content)
    async with sole_runner(store, RUN) as tenure:
        tenure.require()
