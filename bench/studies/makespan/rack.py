"""A rack with known durations, and the time below which no order of work can end."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bench.job import cell_key
from fakes.sdk import Tool, Wait

SOCS = ("sm8650", "sm8750", "sa8255", "qcs9100")


class Seconds(NamedTuple):
    """What a cell's three tools take."""

    prepare: float
    device: float
    viewer: float


@dataclass(frozen=True)
class Rack:
    """Slots for tools on the host, devices of each SoC, and every cell's durations by its key."""

    slots: int
    devices: int
    cells: Mapping[str, Seconds]

    @property
    def socs(self) -> tuple[str, ...]:
        """The SoCs of the cells."""
        return tuple(dict.fromkeys(soc_of(key) for key in self.cells))

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks of the cells."""
        return tuple(dict.fromkeys(key.split("/")[0] for key in self.cells))

    def taking(self, seconds: Mapping[str, Seconds]) -> Rack:
        """The same rack with other durations."""
        return Rack(self.slots, self.devices, seconds)

    def longer_by(self, seconds: float) -> Rack:
        """The same rack with every tool longer by so much."""
        return self.taking({key: Seconds(*(part + seconds for part in of)) for key, of in self.cells.items()})

    def scaled_to(self, bound: float) -> Rack:
        """The same rack with all durations longer or shorter by one factor, so that its bound is this one."""
        factor = bound / self.lower_bound()
        return self.taking({key: Seconds(*(part * factor for part in of)) for key, of in self.cells.items()})

    def lower_bound(self) -> float:
        """Seconds: the largest of what the slots have to do, what a SoC's devices have to do, and a single cell.

        Slots cannot begin before time zero, and the last of them ends no sooner than their mean. The devices of a SoC
        begin after its shortest prepare at the soonest and end before its shortest post-processing at the latest.
        """
        cells = self.cells.values()
        slots = sum(of.prepare + of.viewer for of in cells) / self.slots
        return max(slots, *map(self._bound_of_devices, self._by_soc()), max(map(sum, cells)))

    def waits(self) -> Iterator[Wait]:
        """The durations as orders to the fake SDK's tools."""
        for key, seconds in self.cells.items():
            network, soc, _ = key.split("/")
            for tool, part in zip((Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER), seconds, strict=True):
                yield Wait(tool, round(part, 4), soc=soc, model=network)

    def _by_soc(self) -> Iterable[list[Seconds]]:
        found = defaultdict[str, list[Seconds]](list)
        for key, seconds in self.cells.items():
            found[soc_of(key)].append(seconds)
        return found.values()

    def _bound_of_devices(self, cells: list[Seconds]) -> float:
        begin, end = min(of.prepare for of in cells), min(of.viewer for of in cells)
        return begin + sum(of.device for of in cells) / self.devices + end


def soc_of(key: str) -> str:
    """The SoC of a cell."""
    return key.split("/")[1]


def rack_of(seed: int, networks: int, slots: int, *, devices: int = 2) -> Rack:
    """Networks on four SoCs. A network's prepare takes 1 to 10 times its time on a device, the viewer a fifth of it.

    A run takes 1 to 6 units by network, a fifth more or less by SoC.
    """
    chance = random.Random(seed)
    cells = {}
    for number in range(networks):
        typical, factor = chance.uniform(1, 6), chance.uniform(1, 10)
        for soc in SOCS:
            device = typical * chance.uniform(0.8, 1.2)
            key = cell_key(f"net{number:03}", soc)
            cells[key] = Seconds(device * factor * chance.uniform(0.9, 1.1), device, device * 0.2)
    return Rack(slots, devices, cells)
