"""Measurement of a search's best candidates on a device of the rack, which decides between them.

They are measured in turns, several times over, on one lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from pydantic import ConfigDict

from qhas.cell.prepare import Prepared
from qhas.cell.sequence import DIRECT
from qhas.cell.work import CellWork, open_work
from qhas.documents import Stored
from qhas.failures import InvalidInput, StepFailed
from qhas.lab.lab import Lab, open_lab
from qhas.outside_text import shown
from qhas.profile.origin import Origin
from qhas.site import Site, Transport
from qhas.sweep.model_ref import RANDOM_INPUTS
from qhas.sweep.spec import Cell, ModelRef, PrepareOptions, RunOptions

ROUNDS = 5
"""In the order A B C, A B C: a device that warms up in the meantime slows all of them alike."""
_RUN = RunOptions(warmups=3, repetitions=20)


class Timed(Stored):
    """One way to compile the network, timed on the device."""

    model_config = ConfigDict(frozen=True)

    words: str
    """Its options as text."""
    rounds_us: tuple[float, ...]
    """The median inference of each round."""

    @property
    def median_us(self) -> float:
        """The median of the rounds."""
        return median(self.rounds_us)

    def beats(self, other: Timed) -> bool:
        """Whether it is faster than the other in every round."""
        return all(a < b for a, b in zip(self.rounds_us, other.rounds_us, strict=True))


class Decision(Stored):
    """A device's decision. The default is the first of `timed`; if that is empty, `why` says why."""

    device: str = ""
    sdk: str = ""
    timed: tuple[Timed, ...] = ()
    why: str = ""

    @property
    def winner(self) -> int | None:
        """The index of the fastest that beats the default in every round, 0 if none does; None if none was timed."""
        if not self.timed:
            return None
        default = self.timed[0]
        faster = [number for number, each in enumerate(self.timed) if each.beats(default)]
        return min(faster, key=lambda number: self.timed[number].median_us, default=0)

    def percent(self, number: int) -> float:
        """Return the change in measured time compared with the default."""
        return 100 * (self.timed[number].median_us / self.timed[0].median_us - 1)


def has_device(site: Site, soc: str) -> bool:
    """Whether the rack has a device of the SoC that can be measured on."""
    return any(ref.soc == soc and ref.transport is not Transport.HOST for ref in site.devices)


def measure(site: Site, name: str, dlc: Path, soc: str, candidates: Sequence[PrepareOptions]) -> Decision:
    """Time the default and the candidates; whatever prevents it is the decision's `why`. Raises StoreError."""
    cells = [
        Cell(
            model=ModelRef(name=name, dlc=str(dlc), inputs=RANDOM_INPUTS),
            soc=soc,
            variant=f"candidate-{number}",
            prepare=options,
            run=_RUN,
        )
        for number, options in enumerate([PrepareOptions(), *candidates])
    ]
    try:
        return asyncio.run(_measured(site, cells))
    except StepFailed as error:
        return Decision(why=error.failure.message.rstrip("."))
    except InvalidInput as error:
        return Decision(why=shown(str(error)).rstrip("."))


async def _measured(site: Site, cells: Sequence[Cell]) -> Decision:
    async with open_lab(site) as lab, AsyncExitStack() as scope:
        works = [await scope.enter_async_context(open_work(cell, lab, "tuning")) for cell in cells]
        prepared = [await DIRECT.prepare_graph(work) for work in works]
        if any(each.graphs for each in prepared):
            return Decision(why="the DLC has several graphs, and it is not known which of them counts")
        return await _timed(lab, works, prepared)


async def _timed(lab: Lab, works: Sequence[CellWork], prepared: Sequence[Prepared]) -> Decision:
    rounds: list[list[float]] = [[] for _ in works]
    async with works[0].lease() as device:
        if device.origin is not Origin.DEVICE:
            return Decision(why="the site has no device with this SoC")
        for work in works:
            await DIRECT.ready_device(work, device)
        for _ in range(ROUNDS):
            for work, graph, times in zip(works, prepared, rounds, strict=True):
                await DIRECT.measure_latency(work, graph, device)
                times.append(work.latency.median_us if work.latency else 0.0)
        facts = device.facts
    timed = [
        Timed(words=work.cell.prepare.words, rounds_us=tuple(times))
        for work, times in zip(works, rounds, strict=True)
    ]
    return Decision(device=facts.name, sdk=lab.sdk.version, timed=tuple(timed))
