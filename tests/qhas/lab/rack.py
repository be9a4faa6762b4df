"""A rack with known durations, on a clock that jumps: hours pass in no time."""

from __future__ import annotations

import asyncio
import heapq
import random
import selectors
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.studies.makespan.sizes import drawn_sizes
from fakes.records import model
from qhas.lab.pipeline import Pipeline, Stage
from qhas.machine.cores import Cores
from qhas.site import Host
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

HOST = Host(free_memory_mb=0, free_scratch_mb=0)


class _NoWaiting(selectors.DefaultSelector):
    """Lets a loop's clock jump to its next timer instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits and nothing will ever happen"
        self.now += timeout
        return super().select(0)


def in_no_time(work: Coroutine[Any, Any, None]) -> float:
    """Run it on a clock of its own; how many seconds passed there."""
    selector = _NoWaiting()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work)
    return selector.now


def cell_of(soc: str, name: str) -> Cell:
    return Cell(model=model(name), soc=soc)


@dataclass
class _Devices:
    """Of a SoC: as leases of one run are, given to the longest of those that wait."""

    free: int
    waiting: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    drawn: int = 0

    @asynccontextmanager
    async def lease(self, expected_seconds: float) -> AsyncIterator[None]:
        if self.free:
            self.free -= 1
        else:
            turn = asyncio.get_running_loop().create_future()
            self.drawn += 1
            heapq.heappush(self.waiting, (-expected_seconds, self.drawn, turn))
            await turn
        try:
            yield
        finally:
            if self.waiting:
                heapq.heappop(self.waiting)[2].set_result(None)
            else:
                self.free += 1


@dataclass
class Rack:
    """Devices and cores with known durations: prepare, device, viewer by cell key."""

    devices: dict[str, int]
    cores: int
    seconds: dict[str, tuple[float, float, float]]
    lead: int = 0
    """Most prepared cells that waited at once."""
    busy: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    pools: dict[str, _Devices] = field(default_factory=dict)

    async def run(self, cells: list[Cell], expected: Expectations | None = None) -> None:
        cores = Cores(self.cores)
        self.pools = {soc: _Devices(count) for soc, count in self.devices.items()}
        pipeline = Pipeline(cells, self.devices, self.cores, HOST, Path("/"), expected)
        async with asyncio.TaskGroup() as group:
            async for cell in pipeline:
                group.create_task(self._run(cell, cores, pipeline))

    async def _run(self, cell: Cell, cores: Cores, pipeline: Pipeline) -> None:
        prepare, device, viewer = self.seconds[cell.key]
        async with cores.turn(lambda: pipeline.urgency(cell)):
            await asyncio.sleep(prepare)
        pipeline.expected.learn(cell.key, prepare=prepare)
        pipeline.enter(cell, Stage.WAITING)
        self.waiting += 1
        self.lead = max(self.lead, self.waiting)
        async with self.pools[cell.soc].lease(pipeline.expected.of(cell).device):
            self.waiting -= 1
            pipeline.enter(cell, Stage.ON_DEVICE)
            await asyncio.sleep(device)
            self.busy[cell.soc] += device
        pipeline.expected.learn(cell.key, device=device)
        pipeline.enter(cell, Stage.FINISHING)
        async with cores.turn(lambda: pipeline.urgency(cell)):
            await asyncio.sleep(viewer)
        pipeline.leave(cell)

    def lower_bound(self) -> float:
        """No order of work can end sooner: what cores and the devices of each SoC have to do, and how each begins."""
        times = self.seconds.values()
        cores = sum(prepare + viewer for prepare, _, viewer in times) / self.cores
        by_soc = defaultdict(list)
        for key, durations in self.seconds.items():
            by_soc[key.split("/")[1]].append(durations)
        racks = [
            min(p for p, _, _ in each)
            + sum(d for _, d, _ in each) / self.devices[soc]
            + min(v for *_, v in each)
            for soc, each in by_soc.items()
        ]
        return max(cores, *racks, max(map(sum, times)))


def rack_of(
    seed: int, prepare: tuple[float, float], *, networks: int = 24, cores: int = 8, devices: int = 2
) -> tuple[Rack, list[Cell]]:
    """Networks on 4 SoCs; a network's prepare takes from .. to times as long as its run on one of a SoC's devices."""
    chance = random.Random(seed)
    socs = ["sm8650", "sm8750", "sa8255", "qcs9100"]
    cells = [cell_of(soc, f"net{n}") for n in range(networks) for soc in socs]
    base = {n: (chance.uniform(20, 120), chance.uniform(*prepare)) for n in range(networks)}
    seconds = {}
    for cell in cells:
        typical, factor = base[int(cell.model.name[3:])]
        device = typical * chance.uniform(0.8, 1.2)
        seconds[cell.key] = (device * factor * chance.uniform(0.9, 1.1), device, device * 0.2)
    return Rack(dict.fromkeys(socs, devices), cores, seconds), cells


def known(rack: Rack) -> Expectations:
    """What a last run left."""
    return Expectations(
        {key: Forecast(prepare, device) for key, (prepare, device, _) in rack.seconds.items()},
        measured=rack.devices,
    )


def by_size(rack: Rack, seed: int) -> Expectations:
    """What a first night is told."""
    sizes = drawn_sizes({key: prepare for key, (prepare, _, _) in rack.seconds.items()}, seed)
    return Expectations(sizes=sizes, measured=rack.devices)
