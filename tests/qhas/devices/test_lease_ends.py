# ruff: noqa: ASYNC240  # the files of these tests are a few bytes
"""A lease ends with its holder, however the holder ends; holders and waiters are visible to all."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from qhas.devices.lease import Leases, LeaseState
from qhas.machine.shared_directory import file_stem
from tests.qhas.devices.leasing import A, B, Spawn, holder, queued, take_and_note


async def test_a_killed_holder_frees_its_device_at_once(tmp_path: Path, leases: Leases, spawn: Spawn) -> None:
    child = await spawn("use", tmp_path, "doomed", [A])
    child.go()
    assert await child.says() == "ready"
    assert await child.says() == f"has {A}"
    got: list[str] = []
    async with queued(leases, [A], "heir", got) as heir:
        child.process.kill()
        await heir
    assert got == [f"heir {A}"]


async def test_children_of_a_killed_holder_do_not_keep_its_device(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    parent = await spawn("beget", tmp_path, "doomed", [A])
    children = [int(pid) for pid in (await parent.says()).split()]
    try:
        parent.process.kill()
        async with asyncio.timeout(600), leases.take([A], holder()):
            for pid in children:
                os.kill(pid, 0)  # still there
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


async def test_a_killed_waiter_does_not_hold_up_the_queue(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "doomed", [A])
    assert await child.says() == "ready"
    got: list[str] = []
    async with AsyncExitStack() as stack:
        async with leases.take([A], holder()):
            child.go()
            assert await child.says() == "waits"
            later = await stack.enter_async_context(queued(leases, [A], "next", got))
            child.process.kill()
            await child.end()
            assert [waiter.run_id for waiter in leases.states([A])[0].waiting] == ["next"]
        await later
    assert got == [f"next {A}"]
    assert list(tmp_path.glob("*.ticket")) == list(tmp_path.glob("*.queue")) == []


async def test_waiting_can_be_cancelled_and_leaves_no_ticket(tmp_path: Path, leases: Leases) -> None:
    got: list[str] = []
    async with leases.take([A], holder()):
        async with queued(leases, [A], "cancelled", got) as task:
            assert len(list(tmp_path.glob("*.ticket"))) == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert {path.suffix for path in tmp_path.iterdir()} == {".lock", ""}
        assert leases.states([A])[0].waiting == []
    assert got == []


async def test_a_waiter_cancelled_in_the_moment_it_is_served_gives_the_device_back(leases: Leases) -> None:
    async def wait() -> None:
        async with leases.take([A], holder("cancelled")):
            pytest.fail("cancelled before")

    for turns in range(8):  # turns of the event loop, one of which hits the moment
        async with leases.take([A], holder()):
            task = asyncio.create_task(wait())
            await asyncio.sleep(0.01)
        for _ in range(turns):
            if leases.states([A])[0].holder:
                break
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(600), leases.take([A], holder()):
            pass


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_a_device_is_given_back_however_its_lease_ends(
    leases: Leases, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        async with leases.take([A], holder()):
            raise error
    (state,) = leases.states([A])
    assert state == LeaseState(address=A)


async def test_everybody_sees_who_has_a_device_since_when_and_for_which_run(
    tmp_path: Path, leases: Leases
) -> None:
    async with leases.take([A], holder()):
        have, free = Leases(tmp_path).states([A, B])
        assert have == LeaseState(address=A, holder=holder())
        assert free == LeaseState(address=B)
    assert Leases(tmp_path).states([A]) == [LeaseState(address=A)]
    assert [file.read_text() for file in tmp_path.glob("*.lock")] == [""]


async def test_what_a_dead_holder_left_in_its_file_is_not_shown(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "doomed", [A])
    child.go()
    assert await child.says() == "ready"
    assert await child.says() == f"has {A}"
    (state,) = leases.states([A])
    assert state.holder
    assert (state.holder.run_id, state.holder.pid) == ("doomed", child.process.pid)
    child.process.kill()
    await child.end()
    (file,) = tmp_path.glob("*.lock")
    assert "doomed" in file.read_text()
    assert leases.states([A]) == [LeaseState(address=A)]


async def test_a_waiter_is_told_when_waiting_begins_and_at_each_change_only(tmp_path: Path) -> None:
    one, two = Leases(tmp_path, 0.005), Leases(tmp_path, 0.005)
    told: list[tuple[str | None, list[str]]] = []

    def waiting(states: list[LeaseState]) -> None:
        (state,) = states
        has = state.holder.run_id if state.holder else None
        told.append((has, [waiter.run_id for waiter in state.waiting]))

    async def wait() -> None:
        async with one.take([A], holder("patient"), waiting=waiting):
            pass

    async with asyncio.timeout(600):
        async with two.take([A], holder("first")):
            got: list[str] = []
            second = asyncio.create_task(take_and_note(two, [A], "second", got))
            await asyncio.sleep(0)
            while not two.states([A])[0].waiting:
                await asyncio.sleep(0.001)
            task = asyncio.create_task(wait())
            while not told:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)  # ten polls
            assert told == [("first", ["second", "patient"])]
            async with queued(two, [A], "third", got) as third:
                while len(told) < 2:
                    await asyncio.sleep(0.001)
                assert told[1] == ("first", ["second", "patient", "third"])
                third.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await third
                while len(told) < 3:
                    await asyncio.sleep(0.001)
                assert told[2] == ("first", ["second", "patient"])
        await asyncio.gather(second, task)


async def test_while_another_process_looks_at_the_queue_one_waits_without_blocking_the_loop(
    tmp_path: Path, leases: Leases
) -> None:
    leases.states([A])
    got: list[str] = []
    with (tmp_path / "mutex").open() as mutex:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        task = asyncio.create_task(take_and_note(leases, [A], "patient", got))
        await asyncio.sleep(0.02)
        assert got == []
    async with asyncio.timeout(600):
        await task
    assert got == [f"patient {A}"]


async def test_a_device_locked_by_something_else_is_waited_for(tmp_path: Path, leases: Leases) -> None:
    lock = tmp_path / f"{file_stem(A)}.lock"
    lock.touch()
    got: list[str] = []
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        async with queued(leases, [A], "patient", got) as task:
            assert leases.states([A])[0].holder is None
            fcntl.flock(file, fcntl.LOCK_UN)
            await task
    assert got == [f"patient {A}"]


async def test_who_gets_a_device_at_once_is_not_told_of_waiting(leases: Leases) -> None:
    def waiting(states: list[LeaseState]) -> None:
        pytest.fail("nobody waits")

    async with leases.take([A], holder(), waiting=waiting) as address:
        assert address == A


async def test_an_error_in_a_waiters_callback_is_that_waiters(leases: Leases) -> None:
    def waiting(states: list[LeaseState]) -> None:
        raise RuntimeError("the display is gone")

    got: list[str] = []
    async with leases.take([A], holder()), queued(leases, [A], "other", got) as other:
        with pytest.raises(RuntimeError, match="the display is gone"):
            async with leases.take([A], holder(), waiting=waiting):
                pytest.fail("the device is taken")
        assert not other.done()
