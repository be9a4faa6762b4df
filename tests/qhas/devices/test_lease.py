"""A device does one thing at a time, whichever process of the host uses it, and waiting is fair and visible."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from qhas.devices.lease import Leases
from tests.qhas.devices.leasing import POLL, A, B, Spawn, holder, queued, take_and_note


async def test_processes_that_hammer_two_devices_never_meet_and_all_get_their_turns(
    tmp_path: Path, spawn: Spawn
) -> None:
    log = tmp_path / "log"
    names, turns = ["p0", "p1", "p2", "p3"], 25
    children = [await spawn("hammer", tmp_path / "leases", name, [A, B], log, turns) for name in names]
    assert [await child.end() for child in children] == [0, 0, 0, 0]
    lines = [line.split() for line in log.read_text().splitlines()]
    assert len(lines) == len(names) * turns * 2
    for address in (A, B):
        visits = [(what, name) for where, what, name in lines if where == address]
        assert visits, "both devices serve"
        for enter, leave in zip(visits[::2], visits[1::2], strict=True):
            assert enter[0] == "enter"
            assert leave == ("exit", enter[1])
    left = {path.suffix for path in (tmp_path / "leases").iterdir()}
    assert left == {".lock", ""}


async def test_processes_are_served_in_the_order_they_came(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    children = [await spawn("use", tmp_path, name, [A]) for name in ("first", "second", "third")]
    async with leases.take([A], holder()):
        for child in children:
            assert await child.says() == "ready"
        for child in children:
            child.go()
            assert await child.says() == "waits"
        (state,) = leases.states([A])
        assert [waiter.run_id for waiter in state.waiting] == ["first", "second", "third"]
    for child in children:
        assert await child.says() == f"has {A}"
        child.go()
        assert await child.end() == 0


async def test_a_process_that_came_later_passes_only_for_a_device_the_earlier_cannot_use(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "earlier", [A])
    assert await child.says() == "ready"
    got: list[str] = []
    async with AsyncExitStack() as stack:
        async with leases.take([A], holder()):
            child.go()
            assert await child.says() == "waits"
            async with leases.take([A, B], holder("passes")) as address:
                assert address == B
            later = await stack.enter_async_context(queued(leases, [A], "later", got))
        assert await child.says() == f"has {A}"
        assert got == []
        child.go()
        await later
    assert got == [f"later {A}"]


async def test_coroutines_are_served_in_the_order_they_came(leases: Leases) -> None:
    got: list[str] = []
    async with leases.take([A], holder()):
        tasks = [asyncio.create_task(take_and_note(leases, [A], str(number), got)) for number in range(20)]
        await asyncio.sleep(POLL)
        assert got == []
    async with asyncio.timeout(600):
        await asyncio.gather(*tasks)
    assert got == [f"{number} {A}" for number in range(20)]


async def test_what_a_process_wants_alone_goes_to_those_first_that_need_it_longest(leases: Leases) -> None:
    got: list[str] = []
    async with AsyncExitStack() as stack:
        async with leases.take([A], holder()):
            tasks = [
                await stack.enter_async_context(queued(leases, [A], str(seconds), got, seconds))
                for seconds in (20, 60, 0, 40, 60)
            ]
            (state,) = leases.states([A])
            in_order = [waiter.run_id for waiter in state.waiting]
        async with asyncio.timeout(600):
            await asyncio.gather(*tasks)
    assert got == [f"{name} {A}" for name in in_order] == [f"{name} {A}" for name in (60, 60, 40, 20, 0)]


async def test_where_another_process_wants_it_nobody_changes_places(
    tmp_path: Path, leases: Leases, spawn: Spawn
) -> None:
    child = await spawn("use", tmp_path, "other", [A])
    assert await child.says() == "ready"
    got: list[str] = []
    async with AsyncExitStack() as stack:
        async with leases.take([A], holder()):
            short = await stack.enter_async_context(queued(leases, [A], "short", got, 1))
            child.go()
            assert await child.says() == "waits"
            long = await stack.enter_async_context(queued(leases, [A], "long", got, 9))
        assert await child.says() == f"has {A}"
        assert got == [f"short {A}"]
        child.go()
        await asyncio.gather(short, long)
    assert got == [f"short {A}", f"long {A}"]


async def test_a_release_wakes_the_waiters_of_its_own_process_without_a_poll(tmp_path: Path) -> None:
    leases = Leases(tmp_path, poll_seconds=3600)
    got: list[str] = []
    async with asyncio.timeout(600):
        async with leases.take([A], holder()):
            one = asyncio.create_task(take_and_note(leases, [A], "one", got))
            two = asyncio.create_task(take_and_note(leases, [A], "two", got))
            await asyncio.sleep(0.01)
        await asyncio.gather(one, two)
    assert got == [f"one {A}", f"two {A}"]
