"""A rack with known durations."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

from bench.studies.makespan.sizes import drawn_sizes
from fakes.records import model
from qhas.lab.rehearsal import Rehearsal, in_no_time
from qhas.site import Host
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.spec import Cell

HOST = Host(free_memory_mb=0, free_scratch_mb=0)


def cell_of(soc: str, name: str) -> Cell:
    return Cell(model=model(name), soc=soc)


@dataclass
class Rack:
    """Devices and cores, with the known duration of each cell's prepare, device and viewer by cell key."""

    devices: dict[str, int]
    cores: int
    seconds: dict[str, Forecast]

    def run(self, cells: list[Cell], expected: Expectations | None = None) -> float:
        """The seconds that the cells take, simulated in no time."""
        return in_no_time(self.rehearsal().run(cells, expected))

    def rehearsal(self) -> Rehearsal:
        return Rehearsal(self.devices, self.cores, self.seconds)

    def lower_bound(self) -> float:
        """A time that no order of work can beat: that of the cores, of any SoC's devices, or of the longest cell.

        The devices of a SoC also wait for their shortest prepare, and the host for the shortest finish after them.
        """
        times = self.seconds.values()
        cores = sum(each.prepare + each.finish for each in times) / self.cores
        by_soc = defaultdict(list)
        for key, took in self.seconds.items():
            by_soc[key.split("/")[1]].append(took)
        racks = [
            min(each.prepare for each in cells)
            + sum(each.device for each in cells) / self.devices[soc]
            + min(each.finish for each in cells)
            for soc, cells in by_soc.items()
        ]
        return max(cores, *racks, *map(sum, times))


def rack_of(
    seed: int, prepare: tuple[float, float], *, networks: int = 24, cores: int = 8, devices: int = 2
) -> tuple[Rack, list[Cell]]:
    """Networks on 4 SoCs; a network's prepare takes `prepare[0]` to `prepare[1]` times its typical run on a device."""
    chance = random.Random(seed)
    socs = ["sm8650", "sm8750", "sa8255", "qcs9100"]
    cells = [cell_of(soc, f"net{n}") for n in range(networks) for soc in socs]
    base = {n: (chance.uniform(20, 120), chance.uniform(*prepare)) for n in range(networks)}
    seconds = {}
    for cell in cells:
        typical, factor = base[int(cell.model.name[3:])]
        device = typical * chance.uniform(0.8, 1.2)
        seconds[cell.key] = Forecast(device * factor * chance.uniform(0.9, 1.1), device, device * 0.2)
    return Rack(dict.fromkeys(socs, devices), cores, seconds), cells


def known(rack: Rack) -> Expectations:
    """What is expected after a previous run."""
    return Expectations(rack.seconds, measured=rack.devices)


def by_size(rack: Rack, seed: int) -> Expectations:
    """What is expected on a first night: sizes alone."""
    sizes = drawn_sizes({key: took.prepare for key, took in rack.seconds.items()}, seed)
    return Expectations(sizes=sizes, measured=rack.devices)
