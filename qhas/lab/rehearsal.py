"""A sweep's order of work rehearsed with expected durations, on a clock that jumps: hours pass in no time."""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from qhas.lab.pipeline import Pipeline, Stage, conversion_of
from qhas.machine.cores import Cores
from qhas.site import Host
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

_WITH_ROOM = Host(free_memory_mb=0, free_scratch_mb=0)


def rehearse(
    cells: Sequence[Cell],
    devices: Mapping[str, int],
    cores: int,
    expected: Expectations,
    took: Mapping[str, Forecast],
) -> float:
    """Return the seconds from start to end if cells take what `took` says by key.

    `expected` decides their order, and learns. `devices` is the number of devices by SoC; a SoC that is not in it is
    simulated. Not to be called in an event loop: it runs its own.
    """
    return in_no_time(Rehearsal(devices, cores, took).run(cells, expected))


class Rehearsal:
    """This host and its devices, with nothing else happening on them."""

    def __init__(self, devices: Mapping[str, int], cores: int, took: Mapping[str, Forecast]) -> None:
        self._counts = devices
        self._devices = {soc: _Devices(count) for soc, count in devices.items()}
        self._cores = Cores(cores)
        self._took = took
        self._conversions = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._made = set[str]()
        self._prepared = 0
        self.lead = 0
        """The largest number of prepared cells that waited for a device at once."""

    async def run(self, cells: Sequence[Cell], expected: Expectations | None = None) -> None:
        """Run all the cells, on the loop's clock."""
        pipeline = Pipeline(cells, self._counts, self._cores.count, _WITH_ROOM, Path("/"), expected)
        async with asyncio.TaskGroup() as group:
            async for cell in pipeline:
                group.create_task(self._run(cell, pipeline))

    async def _run(self, cell: Cell, pipeline: Pipeline) -> None:
        prepare, device, finish, convert = self._took[cell.key]
        async with self._conversions[conversion_of(cell)]:
            if convert and conversion_of(cell) not in self._made:
                await self._compute(cell, pipeline, convert)
                self._made.add(conversion_of(cell))
        await self._compute(cell, pipeline, prepare)
        pipeline.expected.learn(cell.key, Forecast(prepare, 0.0))
        pipeline.enter(cell, Stage.WAITING)
        if devices := self._devices.get(cell.soc):
            await self._run_there(cell, pipeline, devices, device)
        else:
            pipeline.enter(cell, Stage.ON_DEVICE)
            await self._compute(cell, pipeline, device)
        pipeline.expected.learn(cell.key, Forecast(0.0, device))
        pipeline.enter(cell, Stage.FINISHING)
        await self._compute(cell, pipeline, finish)
        pipeline.expected.learn(cell.key, Forecast(0.0, 0.0, finish))
        pipeline.leave(cell)

    async def _compute(self, cell: Cell, pipeline: Pipeline, seconds: float) -> None:
        """Use a core of this host; what is already in the store needs none."""
        if seconds:
            async with self._cores.turn(lambda: pipeline.urgency(cell)):
                await asyncio.sleep(seconds)

    async def _run_there(self, cell: Cell, pipeline: Pipeline, devices: _Devices, seconds: float) -> None:
        self._prepared += 1
        self.lead = max(self.lead, self._prepared)
        async with devices.lease(pipeline.expected.of(cell).device):
            self._prepared -= 1
            pipeline.enter(cell, Stage.ON_DEVICE)
            await asyncio.sleep(seconds)


class _Devices:
    """The devices of one SoC, given first to the cell that needs one longest, as the leases of a run are."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._asked = 0

    @asynccontextmanager
    async def lease(self, expected_seconds: float) -> AsyncIterator[None]:
        if self._free:
            self._free -= 1
        else:
            self._asked += 1
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (-expected_seconds, self._asked, turn))
            await turn
        yield
        if self._waiting:
            heapq.heappop(self._waiting)[-1].set_result(None)
        else:
            self._free += 1


class _NoWaiting(selectors.DefaultSelector):
    """Lets a loop's clock jump to its next timer instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task is waiting and nothing will ever happen")
        self.now += timeout
        return super().select(0)


def in_no_time(work: Coroutine[Any, Any, None]) -> float:
    """Run the coroutine on its own clock and return the seconds that passed there."""
    selector = _NoWaiting()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work)
    return selector.now
