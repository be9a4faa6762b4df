"""One night of one series."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from qhas.profile.figures import Figure
from qhas.runs.record import Origin


class SeriesKey(NamedTuple):
    """What is compared over nights. The DLC's digest is not part of it: a slower new export is what should be noticed."""

    network: str
    soc: str
    variant: str
    perf_profile: str
    origin: Origin
    metric: Figure
    inputs: int = 1
    """The number of inputs of an accuracy figure: over more inputs or fewer, it is a different figure."""

    @property
    def cell(self) -> str:
        """The key of the cell."""
        return f"{self.network}/{self.soc}/{self.variant}"


class Block(NamedTuple):
    """What has a level of its own within a series: a device, which with new firmware counts as a different one."""

    serial: str
    build: str


@dataclass(frozen=True)
class Again:
    """The re-run of a night's figure on another lease."""

    value: float
    block: Block
    device: str
    poor: tuple[str, ...] = ()


@dataclass(frozen=True)
class Point:
    """A figure on one night, with what it depends on.

    `artifact` and `model` are the digests of the prepared DLC and of the DLC.
    """

    run_id: str
    day: date
    value: float
    sdk: str
    block: Block
    device: str | None = None
    artifact: str | None = None
    graph: str | None = None
    """Digest of what was compiled and how: options, SDK, and the network without its export's metadata."""
    model: str | None = None
    control: bool = False
    poor: tuple[str, ...] = ()
    celsius: float | None = None
    """Temperature of the chip before the run."""
    again: Again | None = None

    @property
    def log(self) -> float:
        """Natural logarithm of the value, which is above 0."""
        return math.log(self.value)

    def same_graph(self, other: Point) -> bool:
        """Whether both ran the same graph: identical to the byte, or the same network exported and prepared again."""
        if self.artifact and self.artifact == other.artifact:
            return True
        return bool(self.graph and self.graph == other.graph)

    def settled(self) -> Point:
        """Return the re-run in place of a figure taken in poor conditions, if it was taken in good ones."""
        if not self.poor or self.again is None or self.again.poor:
            return self
        again = self.again
        return replace(
            self, value=again.value, block=again.block, device=again.device, poor=(), celsius=None, again=None
        )


def differences(point: Point, before: Point) -> list[str]:
    """Return what else has changed, or that nothing has: the likely place of the cause."""
    phrases = []
    if point.sdk != before.sdk:
        phrases.append(f"SDK {before.sdk} → {point.sdk}")
    if point.model != before.model:
        phrases.append("the same network, exported again" if point.same_graph(before) else "another DLC")
    elif not phrases and point.artifact and point.artifact == before.artifact:
        phrases.append("the prepared graph is byte-identical")
    return phrases
