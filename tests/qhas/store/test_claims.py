"""Claims have one owner at a time, as far as the store can guarantee it; those of dead owners give way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Event

import pytest

from qhas.machine.process_identity import ProcessIdentity, this_process
from qhas.store import Store, StoreError
from qhas.store.claims import RELEASED, Claim, Claims

KEY = "prepared/key/claim.json"
TELL = "from qhas.machine.process_identity import this_process; print(this_process().model_dump_json())"


def put(store: Store, process: ProcessIdentity | None = None, seconds: float = 60.0) -> Claim:
    """Store a claim that belongs to another owner."""
    claim = Claim(
        owner="other", host="lab-3", process=process, expires=datetime.now(UTC) + timedelta(seconds=seconds)
    )
    store.write(KEY, claim.model_dump_json().encode())
    return claim


def dead_process() -> ProcessIdentity:
    told = subprocess.run(
        [sys.executable, "-c", TELL], capture_output=True, text=True, check=True, timeout=900
    )
    return ProcessIdentity.model_validate_json(told.stdout)


def test_a_claim_is_taken_by_one(store: Store) -> None:
    one, other = Claims(store, 30), Claims(store, 30)
    assert one.take(KEY) is None
    seen = other.take(KEY)
    assert seen is not None
    assert seen.process == this_process()
    assert seen.is_visible()
    assert not seen.has_ended()
    one.release(KEY)
    assert other.take(KEY) is None


def test_nobody_releases_the_claim_of_another(store: Store) -> None:
    Claims(store, 30).take(KEY)
    Claims(store, 30).release(KEY)
    assert store.exists(KEY)


def test_the_claim_of_a_process_that_died_here_is_dead_at_once(store: Store) -> None:
    claim = put(store, dead_process())
    assert Claims(store, 30).take(KEY) == claim
    assert claim.has_ended()


def test_a_later_process_of_the_same_number_does_not_keep_a_claim_alive(store: Store) -> None:
    mine = this_process()
    assert mine is not None
    assert put(store, mine.model_copy(update={"started": mine.started - 1})).has_ended()


def test_of_a_process_in_another_container_only_time_tells(store: Store) -> None:
    elsewhere = dead_process().model_copy(update={"place": "this-boot pid:[4026532999]"})
    claim = put(store, elsewhere)
    assert not claim.is_visible()
    assert not claim.has_ended()


def test_a_claim_that_was_renewed_meanwhile_is_not_taken_away(store: Store) -> None:
    claims, seen = Claims(store, 30), put(store)
    put(store, seconds=90)
    claims.take_away(KEY, seen)
    assert store.exists(KEY)
    claims.take_away(KEY, RELEASED)
    assert store.exists(KEY)


async def test_a_claim_is_renewed_while_it_is_kept_even_if_the_loop_is_busy(store: Store) -> None:
    claims = Claims(store, 0.6)
    claims.take(KEY)
    async with claims.kept(KEY):
        first = Claims(store, 0.6).take(KEY)
        while Claims(store, 0.6).take(KEY) == first:
            time.sleep(0.02)  # noqa: ASYNC251  # the loop is busy
        renewed = Claims(store, 0.6).take(KEY)
        assert first is not None
        assert renewed is not None
        assert (renewed.owner, renewed.expires > first.expires) == (first.owner, True)
    assert not store.exists(KEY)


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError, StoreError])
async def test_a_claim_is_released_however_its_block_ends(store: Store, error: type[BaseException]) -> None:
    claims = Claims(store, 30)
    claims.take(KEY)
    with pytest.raises(error):
        async with claims.kept(KEY):
            raise error
    assert not store.exists(KEY)


async def test_an_owner_hears_that_another_took_it_for_dead_and_leaves_the_claim_to_it(store: Store) -> None:
    claims, heard = Claims(store, 0.3), SimpleQueue[Claim]()
    claims.take(KEY)
    async with claims.kept(KEY, overtaken=heard.put):
        other = put(store)
        assert await asyncio.to_thread(heard.get) == other
    assert heard.empty()
    assert store.exists(KEY)


async def test_a_store_that_hangs_does_not_keep_the_end_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qhas.store.claims._RELEASE_SECONDS", 0.2)
    claims = Claims(store, 30)
    claims.take(KEY)
    answers = Event()
    monkeypatch.setattr(store, "read", lambda _: answers.wait())
    try:
        async with claims.kept(KEY):
            pass
        assert not answers.is_set()
    finally:
        answers.set()
