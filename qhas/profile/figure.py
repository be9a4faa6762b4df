"""What a figure is: its names, its unit, how it is read, and where it counts. `qhas.profile.figures` has them all."""

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
    """What a figure counts."""

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
    """Of whatever an output holds."""


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
"""A value for people."""
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
"""What stands behind a value that is given to the digit."""


class Profiled(Protocol):
    """What figures are read from; a cell record is one."""

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
    """The same without a record."""

    metrics: Metrics | None = None
    latency: Latency | None = None
    runtrace: Runtrace | None = None
    accuracy: Accuracy | None = None
    language: Language | None = None


class ByOrigin(NamedTuple):
    """A name that says where the figure comes from."""

    device: str
    simulator: str


Name = str | ByOrigin
BOTH = frozenset(Origin)
MEASURED = frozenset({Origin.DEVICE})
SIMULATED = frozenset({Origin.SIMULATOR})


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """A figure. `read` gives None where a cell has none. Pickled as its name."""

    name: str
    """Of it in this code, and in stored comparisons."""
    title: Name
    unit: Unit
    read: Callable[[Profiled], float | None]
    meaning: str
    short: Name = ""
    """A title where there is little room."""
    words: Name = ""
    """Within a sentence, where the title does not read well."""
    whole: bool = True
    """Whether its values are whole numbers."""
    less_is_better: bool | None = True
    """None for neither."""
    noisy: bool = False
    """Measured figures differ from run to run. The others are exact: any difference is of network, options or SDK."""
    origins: frozenset[Origin] = BOTH
    """Where there is such a figure."""
    judged: frozenset[Origin] = frozenset()
    """Where verdicts hold it against its history."""
    weight: int = 0
    """Of verdicts that are alike that on the figure of the most weight heads the cell, then the first of this table."""
    column: str = ""
    """Its name in the history, and in stored verdicts; empty where it is not there, as the next two."""
    budget: str = ""
    """Its key in budgets."""
    event: str = ""
    """Its key in the payload of events."""
    tile: bool = False
    """Whether it stands at the head of a cell's page."""
    compared: bool = False
    """Whether every comparison of two files has it."""
    of_file: Callable[[QhasFile], float | None] | None = None
    """How a comparison reads it where no record has it, or not as exactly."""
    telling: float | None = None
    """The share of itself by which it must change to be told in the sentence of a comparison."""
    telling_at_least: float = 0.0
    """And the amount."""
    show: Callable[[float], str] | None = None
    """How it reads where its unit does not say it."""

    def __reduce__(self) -> tuple[Callable[[str], Figure], tuple[str]]:
        return _named, (self.name,)

    def text(self, value: float) -> str:
        """A value for people."""
        return (self.show or SHOW[self.unit])(value)

    def title_of(self, origin: Origin) -> str:
        """Above a column or a tile."""
        return _of(self.title, origin)

    def short_of(self, origin: Origin) -> str:
        """The same where there is little room."""
        return _of(self.short or self.title, origin)

    def words_of(self, origin: Origin) -> str:
        """Within a sentence."""
        return _of(self.words or self.title, origin)


def _named(name: str) -> Figure:
    from qhas.profile.figures import BY_NAME  # the table is made of this module

    return BY_NAME[name]


def _of(name: Name, origin: Origin) -> str:
    return name if isinstance(name, str) else getattr(name, origin)
