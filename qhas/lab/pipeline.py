"""The order of work: devices must never wait for this host, and this host must not run ahead without limit.

A cell is prepared here, waits for a device, runs there, and is finished here (viewer, upload). A cell may start while
few prepared cells wait for devices, which limits the lead and with it the scratch space. Of the SoCs that may start a
cell, the next one to run out of work comes first, with its next cell in order. Before all others, however, comes a
cell of any SoC that alone takes as long as everything that remains: the sweep would end with it. Cells of an ONNX
that another cell is quantising or converting come last: they would occupy a core while waiting for it.
"""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from enum import StrEnum
from math import inf
from pathlib import Path

from qhas.lab.order import Queue
from qhas.machine.cores import Urgency
from qhas.runs.keys import soc_of
from qhas.site import Host
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

_UNFINISHED_PER_CORE = 4
"""Cells that may wait to be finished while prepares for devices go first."""
_LEAD_PER_CORE = 3
"""Cells that may be prepared before they have a device, however few devices there are: short prepares come first."""
_LOOK_AGAIN_SECONDS = 1.0
"""How often to look again: free memory and disk space change without notification."""


class Stage(StrEnum):
    """The stage of a started cell."""

    PREPARING = "preparing"
    WAITING = "waiting"
    """Prepared, but without a device yet."""
    ON_DEVICE = "on_device"
    FINISHING = "finishing"


class Pipeline:
    """The cells of one run on their way. Iterate it for the next cell to start; report the stages of started cells."""

    def __init__(
        self,
        cells: Iterable[Cell],
        devices: Mapping[str, int],
        cores: int,
        host: Host,
        scratch: Path,
        expected: Expectations | None = None,
    ) -> None:
        """`devices` is the number of devices by SoC; a SoC that is not in it is simulated.

        The caller reports to `expected` what cells took.
        """
        self.expected = expected or Expectations(measured=devices.keys())
        self._version = -1
        self._cores = cores
        self._host = host
        self._scratch = scratch
        self._wants_room = bool(host.free_scratch_mb or host.free_memory_mb)
        self._stages: dict[str, Counter[Stage]] = defaultdict(Counter)
        self._where: dict[str, Stage] = {}
        self._changed = asyncio.Event()
        self._started: dict[str, tuple[Forecast, float]] = {}
        self._makers: dict[str, str] = {}
        """By conversion, the key of the cell that does it; empty when it is done."""
        by_soc = defaultdict[str, list[Cell]](list)
        for cell in cells:
            by_soc[cell.soc].append(cell)
        self._queues = {soc: Queue(devices.get(soc, inf), each, self._waits) for soc, each in by_soc.items()}

    def enter(self, cell: Cell, stage: Stage) -> None:
        """Move a started cell to its next stage."""
        stages = self._stages[cell.soc]
        if (before := self._where.get(cell.key)) is not None:
            stages[before] -= 1
        stages[stage] += 1
        self._where[cell.key] = stage
        if stage is Stage.PREPARING:
            self._makers.setdefault(conversion_of(cell), cell.key)
        else:
            self._converted(cell)
        if stage is Stage.ON_DEVICE:
            self._started[cell.key] = self._started[cell.key][0], _now()
        self._changed.set()

    def leave(self, cell: Cell) -> None:
        """Remove a started cell that has ended."""
        if (last := self._where.pop(cell.key, None)) is not None:
            self._stages[cell.soc][last] -= 1
        self._started.pop(cell.key, None)
        self._converted(cell)
        self._changed.set()

    def _converted(self, cell: Cell) -> None:
        """Note that a started cell has its network, or will not get it."""
        conversion = conversion_of(cell)
        if self._makers.get(conversion) == cell.key:
            self._makers[conversion] = ""

    def _waits(self, cell: Cell) -> bool:
        """Whether a cell would have to wait until another one has quantised or converted the same network."""
        return bool(cell.model.onnx and self._makers.get(conversion_of(cell)))

    def urgency(self, cell: Cell) -> Urgency:
        """Return how urgent host work for a started cell is."""
        stages, devices = self._stages[cell.soc], self._devices(cell.soc)
        match self._where.get(cell.key):
            case Stage.ON_DEVICE:
                return Urgency.DEVICE_HELD
            case Stage.FINISHING:
                return Urgency.CLOGGED if self._clogged() or devices == inf else Urgency.FINISH
        fed = stages[Stage.WAITING] + stages[Stage.ON_DEVICE] > devices
        return Urgency.AHEAD if fed or devices == inf else Urgency.DEVICE_STARVES

    async def __aiter__(self) -> AsyncIterator[Cell]:
        """Yield cells in the order of work, each when it may start. The cell is then PREPARING."""
        while any(self._queues.values()):
            self._changed.clear()
            self._expect()
            if ready := self._ready():
                forecast, cell = self._take(ready)
                self._started[cell.key] = forecast, _now()
                self.enter(cell, Stage.PREPARING)
                yield cell
                continue
            try:
                async with asyncio.timeout(_LOOK_AGAIN_SECONDS if self._wants_room else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _expect(self) -> None:
        """Order the remaining cells by what is expected of them now."""
        if self._version == self.expected.version:
            return
        self._version = self.expected.version
        queues = self._queues.values()
        for queue in queues:
            queue.expect(self.expected)
        here = sum(queue.here for queue in queues) or inf
        for queue in queues:
            queue.sort(self._cores * queue.here / here)

    def _ready(self) -> list[str]:
        """Return the SoCs that a cell may start for."""
        waiting = [soc for soc, queue in self._queues.items() if queue]
        if not self._where:
            return waiting
        if self._total(Stage.PREPARING) >= self._cores or self._clogged() or not self._has_room():
            return []
        return [soc for soc in waiting if self._wants(soc)]

    def _take(self, ready: list[str]) -> tuple[Forecast, Cell]:
        ready = [soc for soc in ready if not self._queues[soc].waits] or ready
        longest = max((self._queues[soc] for soc in ready), key=Queue.longest)
        if longest.longest() >= self._time_left():
            return longest.take_longest()
        soc = min(ready, key=self._supply)
        return self._queues[soc].take_next(self._slack(soc))

    def _clogged(self) -> bool:
        """Whether so many cells wait to be finished that no other may start: each holds scratch space."""
        return self._total(Stage.FINISHING) > _UNFINISHED_PER_CORE * self._cores

    def _wants(self, soc: str) -> bool:
        """Whether the lead has room: a few cells per core in all, or one prepared and one being made per device."""
        waiting, devices = self._stages[soc][Stage.WAITING], max(1, self._devices(soc))
        if self._total(Stage.WAITING) + self._total(Stage.PREPARING) < _LEAD_PER_CORE * self._cores:
            return True
        return waiting < devices and waiting + self._stages[soc][Stage.PREPARING] < 2 * devices

    def _supply(self, soc: str) -> tuple[float, float]:
        """Return a SoC's sort key: the fewest cells under way per device first, then the most device time left."""
        stages, queue = self._stages[soc], self._queues[soc]
        under_way = stages[Stage.PREPARING] + stages[Stage.WAITING] + stages[Stage.ON_DEVICE]
        share = 1 if queue.devices == inf else max(1, queue.devices)
        return under_way / share, -(queue.there or queue.here) / share

    def _slack(self, soc: str) -> float:
        """Return the seconds until a device of the SoC has nothing to do."""
        under_way = [key for key in self._started if soc_of(key) == soc and self._device_left(key)]
        devices = max(1, self._devices(soc))
        return sum(map(self._device_left, under_way)) / devices if len(under_way) >= devices else 0.0

    def _time_left(self) -> float:
        """Return a lower bound for any order, as far as is known: what this host or a SoC's devices have left to do."""
        here = sum(queue.here for queue in self._queues.values())
        there = {soc: queue.there for soc, queue in self._queues.items()}
        for key, (forecast, since) in self._started.items():
            if self._where[key] is Stage.PREPARING:
                here += max(0.0, forecast.prepare - (_now() - since))
            if self._devices(soc_of(key)) == inf:
                here += self._device_left(key)
            else:
                there[soc_of(key)] += self._device_left(key)
        return max(here / self._cores, *(seconds / self._devices(soc) for soc, seconds in there.items()))

    def _device_left(self, key: str) -> float:
        """Return the seconds for which a started cell still needs a device."""
        forecast, since = self._started[key]
        match self._where[key]:
            case Stage.FINISHING:
                return 0.0
            case Stage.ON_DEVICE:
                return max(0.0, forecast.device - (_now() - since))
        return forecast.device

    def _devices(self, soc: str) -> float:
        return self._queues[soc].devices

    def _total(self, stage: Stage) -> int:
        return sum(stages[stage] for stages in self._stages.values())

    def _has_room(self) -> bool:
        if not self._wants_room:
            return True
        free = shutil.disk_usage(self._scratch).free
        return (
            free >= self._host.free_scratch_mb << 20
            and _available_memory() >= self._host.free_memory_mb << 20
        )


def conversion_of(cell: Cell) -> str:
    """Return a key shared by the cells of one ONNX that are quantised alike."""
    quantize = cell.model.quantize
    return f"{cell.model.name} {quantize.name}" if quantize else cell.model.name


def _now() -> float:
    return asyncio.get_running_loop().time()


def _available_memory() -> float:
    """Return the bytes available without swapping; infinite if the system does not report them."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return inf
    lines = (line.split() for line in text.splitlines())
    return next((int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"), inf)
