"""The work of one round, the same for every contender. Standard library only: the plain script reads it too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Network:
    """A network: its DLC without caches, and the input list of one inference, with absolute paths."""

    name: str
    dlc: str
    inputs: str
    size: tuple[int, int | None] | None = None
    """The bytes and ops it is taken to have; None for those of its file."""


@dataclass(frozen=True)
class Job:
    """Networks x SoCs on one SDK. `folder` is empty at first and holds whatever the contender leaves."""

    sdk: str
    networks: tuple[Network, ...]
    socs: tuple[str, ...]
    folder: str
    at_once: int
    """The number of tools that may compute on the host at the same time."""
    devices: int = 0
    """Devices per SoC that do not use the host's cores. Zero: simulated ones, which take turns at the cores."""
    run_id: str = "bench"
    limit: int | None = None
    """The number of cells to run, from the first on; None for all."""
    history: str = ""
    """A store in which an earlier run recorded the cells' durations; empty for a first run."""
    device_seconds: float = 0.0
    """How long a cell keeps its device in a study without tools."""

    @property
    def cells(self) -> Iterator[tuple[Network, str]]:
        """Every network on every SoC, in order of work."""
        return product(self.networks, self.socs)

    @property
    def keys(self) -> list[str]:
        """The name of every cell, in order of work."""
        return [cell_key(network.name, soc) for network, soc in self.cells]

    def write(self, path: Path) -> None:
        """Store the job as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """Read a job that `write` stored."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        networks = tuple(map(_network, stored.pop("networks")))
        return cls(networks=networks, socs=tuple(stored.pop("socs")), **stored)


def _network(stored: dict[str, Any]) -> Network:
    size = stored.pop("size")
    return Network(**stored, size=size and (size[0], size[1]))


def cell_key(network: str, soc: str) -> str:
    """Return the product's name for a cell in a sweep without variants."""
    return f"{network}/{soc}/default"
