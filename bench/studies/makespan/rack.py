"""A rack with known durations, and a lower bound on the time that any order of work takes."""

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
    """Durations of a cell's three tools."""

    prepare: float
    device: float
    viewer: float


@dataclass(frozen=True)
class Rack:
    """Slots for tools on the host, devices per SoC, and every cell's durations, keyed by cell key."""

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
        """Return the same rack with these durations."""
        return Rack(self.slots, self.devices, seconds)

    def longer_by(self, seconds: float) -> Rack:
        """Return the same rack with every tool longer by this much."""
        return self.taking({key: Seconds(*(part + seconds for part in of)) for key, of in self.cells.items()})

    def scaled_to(self, bound: float) -> Rack:
        """Return the same rack with all durations scaled by one factor, so that its lower bound is `bound`."""
        factor = bound / self.lower_bound()
        return self.taking({key: Seconds(*(part * factor for part in of)) for key, of in self.cells.items()})

    def lower_bound(self) -> float:
        """Return seconds: the largest of the work of the slots, the work of any SoC's devices, and a single cell.

        Slots start at time zero at the earliest, and the last one finishes no earlier than their mean. A SoC's devices
        cannot start before its shortest prepare is done, and are followed at least by its shortest viewer run.
        """
        cells = self.cells.values()
        slots = sum(of.prepare + of.viewer for of in cells) / self.slots
        return max(slots, *map(self._bound_of_devices, self._by_soc()), max(map(sum, cells)))

    def waits(self) -> Iterator[Wait]:
        """Yield the durations as orders to the fake SDK's tools."""
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
    """Return the SoC in a cell's key."""
    return key.split("/")[1]


def rack_of(seed: int, networks: int, slots: int, *, devices: int = 2) -> Rack:
    """Draw a rack of networks on four SoCs.

    A run takes 1 to 6 units depending on the network, up to a fifth more or less depending on the SoC. A network's
    prepare takes 1 to 10 times its time on a device, the viewer a fifth of it.
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
