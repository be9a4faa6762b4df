"""Order of work: devices must never wait for this host, and this host must not run ahead without bound.

A cell is prepared here, waits for a device, runs there, and is finished here (viewer, upload). A cell may start when
its SoC has fewer prepared cells waiting than devices, so the lead is bounded and scratch space with it. Of the SoCs
that may start one, the one next to starve comes first. Of its cells, the longest on the device whose prepare will be
done before the SoC starves: long cells at the end leave devices idle, and so do long prepares at the beginning. Cells of
an ONNX that another cell is quantising or converting come last: they would hold a core's place and wait for it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from math import inf
from pathlib import Path

from qhas.machine.cores import Urgency
from qhas.runs.keys import soc_of
from qhas.site import Host
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

_UNFINISHED_PER_CORE = 4
"""Cells that may wait to be finished while prepares for devices go first."""
_BALANCE = 0.75
"""From this share of the busiest devices' time on, prepares count as the bottleneck: they are not all of a host's work."""
_LOOK_AGAIN_SECONDS = 1.0
"""Free memory and disk change without anybody telling."""


class Stage(StrEnum):
    """Where a started cell is."""

    PREPARING = "preparing"
    WAITING = "waiting"
    """Prepared; no device yet."""
    ON_DEVICE = "on_device"
    FINISHING = "finishing"


class _Queue:
    """The cells of a SoC that have not started, longest first: on the device, or on the host if that is the bottleneck."""

    def __init__(self, devices: float, cells: Iterable[Cell]) -> None:
        self.devices = devices
        self._cells = [(Forecast(), cell) for cell in cells]
        self.prepares = self.seconds = 0.0
        """Of the cells: what they need of this host, and of the devices."""
        self.firsts = 0 if devices == inf else int(devices)
        """Cells still to start so that each device has had one."""

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def cells(self) -> Iterator[Cell]:
        """In no order that means anything."""
        return (cell for _, cell in self._cells)

    def expect(self, expected: Expectations) -> None:
        """Forecast the cells anew."""
        self._cells = [(expected.of(cell), cell) for _, cell in self._cells]
        self.prepares = sum(forecast.prepare for forecast, _ in self._cells)
        self.seconds = sum(forecast.device for forecast, _ in self._cells)

    def sort(self, *, host_bound: bool) -> None:
        """The longest first; equals stay as they are."""
        self._cells.sort(key=lambda each: -(each[0].prepare if host_bound else each[0].device))

    def take(self, slack: float, waits: Callable[[Cell], bool]) -> tuple[Forecast, Cell]:
        """The longest cell whose prepare fits into the slack, else the one that is prepared soonest.

        But first a cell that alone takes as long as a device has work left: the sweep would end with it. One that
        `waits` for another cell's conversion is taken only if all of them do.
        """
        self.firsts = max(0, self.firsts - 1)
        everyone = range(len(self._cells))
        ready = [n for n in everyone if not waits(self._cells[n][1])] or everyone
        prepares = {n: self._cells[n][0].prepare for n in ready}
        whole = {n: prepares[n] + self._cells[n][0].device for n in ready}
        critical = max(ready, key=whole.__getitem__)
        if self.devices != inf and whole[critical] >= self.seconds / max(1.0, self.devices):
            taken = self._cells.pop(critical)
        else:
            fitting = (n for n in ready if prepares[n] <= slack)
            taken = self._cells.pop(next(fitting, min(ready, key=prepares.__getitem__)))
        self.prepares -= taken[0].prepare
        self.seconds -= taken[0].device
        return taken


class Pipeline:
    """The cells of one run on their way. Iterate it for the next cell to start; tell it where started cells are."""

    def __init__(
        self,
        cells: Iterable[Cell],
        devices: Mapping[str, int],
        cores: int,
        host: Host,
        scratch: Path,
        expected: Expectations | None = None,
    ) -> None:
        """`devices` is their number by SoC; a SoC that is not in it is simulated. Whoever knows what a cell took tells `expected`."""
        self.expected = expected or Expectations(measured=devices.keys())
        self._version = -1
        self._cores = cores
        self._host = host
        self._scratch = scratch
        self._stages: dict[str, Counter[Stage]] = defaultdict(Counter)
        self._where: dict[str, Stage] = {}
        self._changed = asyncio.Event()
        self._host_bound = False
        self._started: dict[str, tuple[Forecast, float]] = {}
        self._makers: dict[str, str] = {}
        """By conversion the key of the cell that does it, empty when it is done."""
        by_soc = defaultdict[str, list[Cell]](list)
        for cell in cells:
            by_soc[cell.soc].append(cell)
        self._queues = {soc: _Queue(devices.get(soc, inf), each) for soc, each in by_soc.items()}

    def enter(self, cell: Cell, stage: Stage) -> None:
        """A started cell goes on to its next stage."""
        stages = self._stages[cell.soc]
        if (before := self._where.get(cell.key)) is not None:
            stages[before] -= 1
        stages[stage] += 1
        self._where[cell.key] = stage
        if stage is Stage.PREPARING:
            self._makers.setdefault(_conversion(cell), cell.key)
        else:
            self._converted(cell)
        if stage is Stage.ON_DEVICE:
            self._started[cell.key] = self._started[cell.key][0], _now()
        self._changed.set()

    def leave(self, cell: Cell) -> None:
        """A started cell has ended."""
        if (last := self._where.pop(cell.key, None)) is not None:
            self._stages[cell.soc][last] -= 1
        self._started.pop(cell.key, None)
        self._converted(cell)
        self._changed.set()

    def _converted(self, cell: Cell) -> None:
        """A started cell has its network, or will not have it."""
        conversion = _conversion(cell)
        if self._makers.get(conversion) == cell.key:
            self._makers[conversion] = ""

    def _waits(self, cell: Cell) -> bool:
        """Whether a cell would first wait until another one has quantised or converted the same network."""
        return bool(cell.model.onnx and self._makers.get(_conversion(cell)))

    def urgency(self, cell: Cell) -> Urgency:
        """How urgent host work for a started cell is."""
        stages, devices = self._stages[cell.soc], self._devices(cell.soc)
        match self._where.get(cell.key):
            case Stage.ON_DEVICE:
                return Urgency.DEVICE_HELD
            case Stage.FINISHING:
                return Urgency.CLOGGED if self._clogged() or devices == inf else Urgency.FINISH
        fed = stages[Stage.WAITING] + stages[Stage.ON_DEVICE] > devices
        return Urgency.AHEAD if fed or devices == inf else Urgency.DEVICE_STARVES

    async def __aiter__(self) -> AsyncIterator[Cell]:
        """Cells in the order of work, each when it may start. A cell is then PREPARING."""
        while any(self._queues.values()):
            self._changed.clear()
            self._expect()
            if soc := self._next_soc():
                queue = self._queues[soc]
                forecast, cell = queue.take(self._slack(soc), self._waits)
                self._started[cell.key] = forecast, _now()
                self.enter(cell, Stage.PREPARING)
                yield cell
                continue
            try:
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _expect(self) -> None:
        """Order the cells that are left by what is expected of them now."""
        if self._version == self.expected.version:
            return
        self._version = self.expected.version
        queues = self._queues.values()
        for queue in queues:
            queue.expect(self.expected)
        busiest = max(queue.seconds / queue.devices for queue in queues)
        self._host_bound = sum(queue.prepares for queue in queues) / self._cores > _BALANCE * busiest
        for queue in queues:
            queue.sort(host_bound=self._host_bound)

    def _next_soc(self) -> str | None:
        if not self._where:
            ready = [soc for soc, queue in self._queues.items() if queue]
        elif self._total(Stage.PREPARING) >= self._cores or self._clogged() or not self._has_room():
            return None
        else:
            ready = [soc for soc, queue in self._queues.items() if queue and self._wants(soc)]
        return min(ready, key=self._satiety, default=None)

    def _clogged(self) -> bool:
        """Whether so many cells wait to be finished that no other is begun: each holds scratch space."""
        return self._total(Stage.FINISHING) > _UNFINISHED_PER_CORE * self._cores

    def _wants(self, soc: str) -> bool:
        """Whether the SoC's lead has room: a prepared cell and one in the making a device, more while none waits."""
        waiting, preparing = self._stages[soc][Stage.WAITING], self._stages[soc][Stage.PREPARING]
        devices = max(1, self._devices(soc))
        return waiting < devices and (not waiting or waiting + preparing < 2 * devices)

    def _satiety(self, soc: str) -> tuple[bool, float, float]:
        """Whether all its cells would wait for others; cells under way to each device; the device time that is left, the most first."""
        stages, devices = self._stages[soc], self._devices(soc)
        under_way = stages[Stage.PREPARING] + stages[Stage.WAITING] + stages[Stage.ON_DEVICE]
        share = 1 if devices == inf else max(1, devices)
        queue = self._queues[soc]
        return all(map(self._waits, queue.cells)), under_way / share, -queue.seconds / share

    def _slack(self, soc: str) -> float:
        """Seconds until a device of the SoC has nothing to do. Where prepares are the bottleneck none is worth a rush."""
        queue = self._queues[soc]
        if queue.devices == inf or (self._host_bound and not queue.firsts):
            return inf
        left = 0.0
        for key, (forecast, since) in self._started.items():
            if soc_of(key) == soc and self._where[key] is not Stage.FINISHING:
                on_device = self._where[key] is Stage.ON_DEVICE
                left += max(0.0, forecast.device - (_now() - since)) if on_device else forecast.device
        return 0.0 if queue.firsts else left / max(1, queue.devices)

    def _devices(self, soc: str) -> float:
        return self._queues[soc].devices

    def _total(self, stage: Stage) -> int:
        return sum(stages[stage] for stages in self._stages.values())

    def _has_room(self) -> bool:
        free = shutil.disk_usage(self._scratch).free
        return (
            free >= self._host.free_scratch_mb << 20
            and _available_memory() >= self._host.free_memory_mb << 20
        )


def _conversion(cell: Cell) -> str:
    """What cells of one ONNX, quantised alike, share."""
    quantize = cell.model.quantize
    return f"{cell.model.name} {quantize.name}" if quantize else cell.model.name


def _now() -> float:
    return asyncio.get_running_loop().time()


def _available_memory() -> float:
    """Bytes that can be had without swapping; without end where the system does not tell."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return inf
    lines = (line.split() for line in text.splitlines())
    return next((int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"), inf)
