"""What a figure is: its names, its unit, how it is read and where it is used; `qhas.profile.figures` lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from qhas import units
from qhas.profile.accuracy import Accuracy
from qhas.profile.language import Language
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.origin import Origin
from qhas.profile.qhas_file import QhasFile
from qhas.profile.runtrace import Runtrace


class Unit(StrEnum):
    """The unit of a figure."""

    MICROSECONDS = "us"
    MILLISECONDS = "ms"
    SECONDS = "s"
    CYCLES = "cycles"
    BYTES = "bytes"
    COUNT = "count"
    PERCENT = "percent"
    MEGAHERTZ = "mhz"
    CYCLES_A_PACKET = "cycles_per_packet"
    RATIO = "ratio"
    DECIBELS = "db"
    TOKENS_A_SECOND = "tokens_per_s"
    VALUE = "value"
    """The unit of an output's values, whatever it is."""


SHOW: Mapping[Unit, Callable[[float], str]] = {
    Unit.MICROSECONDS: units.microseconds,
    Unit.MILLISECONDS: units.milliseconds,
    Unit.SECONDS: units.seconds,
    Unit.CYCLES: units.count,
    Unit.BYTES: units.size,
    Unit.COUNT: units.count,
    Unit.PERCENT: units.percent,
    Unit.MEGAHERTZ: units.megahertz,
    Unit.CYCLES_A_PACKET: lambda value: f"{value:.2f}",
    Unit.RATIO: lambda value: units.number(f"{value:.5f}"),
    Unit.DECIBELS: units.decibels,
    Unit.TOKENS_A_SECOND: units.rate,
    Unit.VALUE: lambda value: f"{value:.3g}",
}
"""How a value of each unit is shown to readers."""
SIGNS: Mapping[Unit, str] = {
    Unit.MICROSECONDS: " µs",
    Unit.MILLISECONDS: " ms",
    Unit.SECONDS: " s",
    Unit.CYCLES: "",
    Unit.BYTES: " B",
    Unit.COUNT: "",
    Unit.PERCENT: " %",
    Unit.MEGAHERTZ: " MHz",
    Unit.CYCLES_A_PACKET: "",
    Unit.RATIO: "",
    Unit.DECIBELS: " dB",
    Unit.TOKENS_A_SECOND: " tokens/s",
    Unit.VALUE: "",
}
"""The suffix for a value that is written out exactly."""


class Profiled(Protocol):
    """What figures are read from, such as a cell record."""

    @property
    def metrics(self) -> Metrics | None: ...
    @property
    def latency(self) -> Latency | None: ...
    @property
    def runtrace(self) -> Runtrace | None: ...
    @property
    def accuracy(self) -> Accuracy | None: ...
    @property
    def language(self) -> Language | None: ...


class Profile(NamedTuple):
    """The parts of a profile that figures are read from, without a cell record."""

    metrics: Metrics | None = None
    latency: Latency | None = None
    runtrace: Runtrace | None = None
    accuracy: Accuracy | None = None
    language: Language | None = None


class ByOrigin(NamedTuple):
    """A name that depends on where the figure comes from."""

    device: str
    simulator: str


Name = str | ByOrigin
BOTH = frozenset(Origin)
MEASURED = frozenset({Origin.DEVICE})
SIMULATED = frozenset({Origin.SIMULATOR})


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """A figure. `read` returns None if a cell does not have it. Pickled as its name."""

    name: str
    """Its name in this code and in stored comparisons."""
    title: Name
    unit: Unit
    read: Callable[[Profiled], float | None]
    meaning: str
    short: Name = ""
    """A title for where space is limited."""
    words: Name = ""
    """Its name within a sentence, if the title does not read well there."""
    whole: bool = True
    """Whether its values are whole numbers."""
    less_is_better: bool | None = True
    """None if neither less nor more is better."""
    noisy: bool = False
    """Whether measured values vary between runs. Others are exact: they only change with network, options or SDK."""
    origins: frozenset[Origin] = BOTH
    """The origins that have such a figure."""
    judged: frozenset[Origin] = frozenset()
    """The origins for which verdicts compare it with its history."""
    weight: int = 0
    """Among equal verdicts, the one on the figure of greatest weight heads the cell, then the first in the table."""
    column: str = ""
    """Its name in the history and in stored verdicts; empty if it is not there, like the next two."""
    budget: str = ""
    """Its key in budgets."""
    event: str = ""
    """Its key in the payload of events."""
    tile: bool = False
    """Whether it appears at the head of a cell's page."""
    compared: bool = False
    """Whether every comparison of two files includes it."""
    of_file: Callable[[QhasFile], float | None] | None = None
    """How a comparison reads it from the file, if no record holds it, or not as exactly."""
    telling: float | None = None
    """The share of itself by which it must change for the sentence of a comparison to mention it; None: never."""
    telling_at_least: float = 0.0
    """The amount by which it must change as well."""
    show: Callable[[float], str] | None = None
    """How a value is shown, if not as its unit says."""

    def __reduce__(self) -> tuple[Callable[[str], Figure], tuple[str]]:
        return _named, (self.name,)

    def text(self, value: float) -> str:
        """Format a value for readers."""
        return (self.show or SHOW[self.unit])(value)

    def title_of(self, origin: Origin) -> str:
        """Return the title above a column or a tile."""
        return _of(self.title, origin)

    def short_of(self, origin: Origin) -> str:
        """Return the title for where space is limited."""
        return _of(self.short or self.title, origin)

    def words_of(self, origin: Origin) -> str:
        """Return the name within a sentence."""
        return _of(self.words or self.title, origin)


def _named(name: str) -> Figure:
    from qhas.profile.figures import BY_NAME  # that module imports this one

    return BY_NAME[name]


def _of(name: Name, origin: Origin) -> str:
    return name if isinstance(name, str) else getattr(name, origin)
