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
    """A network: its un-cached DLC and the input list of one inference, which names its files by absolute path."""

    name: str
    dlc: str
    inputs: str
    size: tuple[int, int | None] | None = None
    """Bytes and ops that it counts as having; None: those of its file."""


@dataclass(frozen=True)
class Job:
    """Networks x SoCs on one SDK. `folder` is empty at first and takes whatever the contender leaves."""

    sdk: str
    networks: tuple[Network, ...]
    socs: tuple[str, ...]
    folder: str
    at_once: int
    """Tools that may compute on the host at the same time."""
    devices: int = 0
    """Devices of each SoC that leave the host's cores alone. Zero: simulated ones, which take turns at the cores."""
    run_id: str = "bench"
    limit: int | None = None
    """Cells of these to run, the first ones; None for all."""
    history: str = ""
    """A store in which an earlier run left what cells took; empty for a first run."""
    device_seconds: float = 0.0
    """How long a cell keeps its device where no tool does."""

    @property
    def cells(self) -> Iterator[tuple[Network, str]]:
        """Every network on every SoC, in the order of work."""
        return product(self.networks, self.socs)

    @property
    def keys(self) -> list[str]:
        """Every cell's name, in the order of work."""
        return [cell_key(network.name, soc) for network, soc in self.cells]

    def write(self, path: Path) -> None:
        """Store the job as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Job:
        """A job as `write` left it."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        networks = tuple(map(_network, stored.pop("networks")))
        return cls(networks=networks, socs=tuple(stored.pop("socs")), **stored)


def _network(stored: dict[str, Any]) -> Network:
    size = stored.pop("size")
    return Network(**stored, size=size and (size[0], size[1]))


def cell_key(network: str, soc: str) -> str:
    """The name of a cell, as the product names it in a sweep without variants."""
    return f"{network}/{soc}/default"
