"""Turns at the cores of this host."""

from __future__ import annotations

import asyncio

from qhas.machine.cores import Cores, Urgency


async def test_a_core_goes_to_the_most_urgent_and_among_equals_to_the_first() -> None:
    cores, order = Cores(1), []

    async def use(name: str, urgency: Urgency) -> None:
        async with cores.turn(lambda: urgency):
            order.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name, urgency in (
            ("running", Urgency.FINISH),
            ("finish", Urgency.FINISH),
            ("first prepare", Urgency.AHEAD),
            ("second prepare", Urgency.AHEAD),
            ("held", Urgency.DEVICE_HELD),
        ):
            group.create_task(use(name, urgency))
    assert order == ["running", "held", "first prepare", "second prepare", "finish"]


async def test_a_core_is_not_lost_to_a_cancelled_waiter() -> None:
    cores = Cores(1)

    async def use() -> None:
        async with cores.turn(lambda: Urgency.AHEAD):
            await asyncio.sleep(0)

    async with cores.turn(lambda: Urgency.AHEAD):
        waiting = [asyncio.create_task(use()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
    waiting[1].cancel()  # granted a core, but not yet running
    async with asyncio.timeout(600):
        await waiting[2]
        await use()


async def test_it_is_told_when_the_first_core_is_used() -> None:
    cores = Cores(1)
    told = asyncio.create_task(cores.computing.wait())
    await asyncio.sleep(0)
    assert not told.done()
    async with cores.turn(lambda: Urgency.AHEAD), asyncio.timeout(600):
        await told
