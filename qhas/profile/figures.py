"""Every figure of a cell, once: what it is called, how it is read, and where it counts.

The columns of the history, verdicts, budgets, comparisons, the report's tiles, the terminal's titles and the payload of
events are made of this table. Add a figure here, and to `Metrics` what it is read from. Stored names are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from qhas import units
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.origin import Origin
from qhas.profile.qhas_file import QhasFile
from qhas.profile.timing import timing


class Unit(StrEnum):
    """What a figure counts."""

    MICROSECONDS = "us"
    CYCLES = "cycles"
    BYTES = "bytes"
    COUNT = "count"
    PERCENT = "percent"
    MEGAHERTZ = "mhz"


SHOW: Mapping[Unit, Callable[[float], str]] = {
    Unit.MICROSECONDS: units.microseconds,
    Unit.CYCLES: units.count,
    Unit.BYTES: units.size,
    Unit.COUNT: units.count,
    Unit.PERCENT: units.percent,
    Unit.MEGAHERTZ: units.megahertz,
}
"""A value for people."""


class Profiled(Protocol):
    """What figures are read from; a cell record is one."""

    @property
    def metrics(self) -> Metrics | None: ...
    @property
    def latency(self) -> Latency | None: ...


class Profile(NamedTuple):
    """The same without a record."""

    metrics: Metrics | None = None
    latency: Latency | None = None


class ByOrigin(NamedTuple):
    """A name that says where the figure comes from."""

    device: str
    simulator: str


Name = str | ByOrigin
BOTH = frozenset(Origin)
MEASURED = frozenset({Origin.DEVICE})
SIMULATED = frozenset({Origin.SIMULATOR})
_TELLING = 0.05


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

    def __reduce__(self) -> tuple[Callable[[str], Figure], tuple[str]]:
        return figure_of, (self.name,)

    def text(self, value: float) -> str:
        """A value for people."""
        return SHOW[self.unit](value)

    def title_of(self, origin: Origin) -> str:
        """Above a column or a tile."""
        return _of(self.title, origin)

    def short_of(self, origin: Origin) -> str:
        """The same where there is little room."""
        return _of(self.short or self.title, origin)

    def words_of(self, origin: Origin) -> str:
        """Within a sentence."""
        return _of(self.words or self.title, origin)


def _of(name: Name, origin: Origin) -> str:
    return name if isinstance(name, str) else getattr(name, origin)


def _latency(read: Callable[[Latency], float]) -> Callable[[Profiled], float | None]:
    return lambda profiled: read(profiled.latency) if profiled.latency else None


def _metric(read: Callable[[Metrics], float | None]) -> Callable[[Profiled], float | None]:
    return lambda profiled: read(profiled.metrics) if profiled.metrics else None


def _in_files_only(_: Profiled) -> None:
    return None


LATENCY = Figure(
    name="latency_us",
    title="median latency",
    short="median",
    words="latency",
    unit=Unit.MICROSECONDS,
    read=_latency(lambda latency: latency.median_us),
    meaning="Median latency, profiling off; devices only.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    judged=MEASURED,
    weight=2,
    column="median_us",
    budget="latency_us",
    event="latency_median_us",
    tile=True,
)
P90 = Figure(
    name="p90_us",
    title="p90",
    unit=Unit.MICROSECONDS,
    read=_latency(lambda latency: latency.p90_us),
    meaning="90th percentile of the latency, nearest rank.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="p90_us",
    tile=True,
)
FASTEST = Figure(
    name="min_us",
    title="fastest",
    unit=Unit.MICROSECONDS,
    read=_latency(lambda latency: latency.min_us),
    meaning="Fastest inference of the latency's.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="min_us",
    tile=True,
)
TIME = Figure(
    name="time_us",
    title=ByOrigin("QHAS time (first, cold, profiled)", "estimated time"),
    short=ByOrigin("QHAS cold", "est. time"),
    unit=Unit.MICROSECONDS,
    read=_metric(lambda metrics: metrics.time_us),
    meaning="QHAS time: of the first, cold inference.",
    whole=False,
    judged=SIMULATED,
    weight=2,
    column="time_us",
    budget="time_us",
    event="qhas_time_us",
    tile=True,
    compared=True,
    of_file=lambda file: timing(file).time,
)
CYCLES = Figure(
    name="timeline_cycles",
    title="timeline, cycles",
    words=ByOrigin("cycles", "simulated cycles"),
    unit=Unit.CYCLES,
    read=_metric(lambda metrics: metrics.timeline_cycles),
    meaning="Cycles of the timeline.",
    judged=SIMULATED,
    weight=2,
    column="timeline_cycles",
    budget="cycles",
    tile=True,
    compared=True,
)
IDLE = Figure(
    name="idle_cycles",
    title="idle cycles",
    unit=Unit.CYCLES,
    read=_in_files_only,
    meaning="Cycles in which nothing works.",
    compared=True,
    of_file=lambda file: file.idle,
)
CLOCK = Figure(
    name="clock_mhz",
    title="clock",
    unit=Unit.MEGAHERTZ,
    read=_in_files_only,
    meaning="Mean over the execution of the graph.",
    whole=False,
    less_is_better=None,
    compared=True,
    of_file=lambda file: timing(file).clock_mhz,
)
WORK = Figure(
    name="work_cycles",
    title="work, all threads",
    words="cycles of work",
    unit=Unit.CYCLES,
    read=_in_files_only,
    meaning="Cycles of the ops, summed over parallel threads: how much was done, not how long it took.",
    compared=True,
    of_file=lambda file: sum(op.cycles for op in file.qnn_ops) or None,
)
UTILIZATION = Figure(
    name="utilization_percent",
    title="utilisation",
    short="util.",
    unit=Unit.PERCENT,
    read=_metric(lambda metrics: metrics.utilization_percent),
    meaning="HTP utilisation in the first, cold inference.",
    whole=False,
    less_is_better=None,
    column="utilization_percent",
    tile=True,
)
DRAM = Figure(
    name="total_dram",
    title="DRAM",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.dram_total),
    meaning="Bytes read from and written to DRAM.",
    budget="total_dram",
    event="dram_bytes",
)
DRAM_READ = Figure(
    name="dram_read",
    title="DRAM read",
    words="DRAM reads",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.dram_read),
    meaning="Bytes read from DRAM.",
    judged=BOTH,
    column="dram_read",
    budget="dram_read",
    tile=True,
    compared=True,
    telling=_TELLING,
)
DRAM_WRITE = Figure(
    name="dram_write",
    title="DRAM written",
    words="DRAM writes",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.dram_write),
    meaning="Bytes written to DRAM.",
    judged=BOTH,
    column="dram_write",
    budget="dram_write",
    tile=True,
    compared=True,
    telling=_TELLING,
)
VTCM_READ = Figure(
    name="vtcm_read",
    title="VTCM read",
    words="VTCM reads",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.vtcm_read),
    meaning="Bytes read from VTCM.",
    less_is_better=None,
    column="vtcm_read",
    compared=True,
)
VTCM_WRITE = Figure(
    name="vtcm_write",
    title="VTCM written",
    words="VTCM writes",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.vtcm_write),
    meaning="Bytes written to VTCM.",
    less_is_better=None,
    column="vtcm_write",
    compared=True,
)
PEAK_VTCM = Figure(
    name="peak_vtcm",
    title="peak VTCM",
    short="VTCM",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.peak_vtcm),
    meaning="Most bytes of VTCM in use at once.",
    less_is_better=None,
    judged=BOTH,
    column="peak_vtcm",
    budget="peak_vtcm",
    tile=True,
    compared=True,
    telling=0.25,
)
QNN_NODES = Figure(
    name="qnn_nodes",
    title="QNN nodes",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.qnn_nodes),
    meaning="Ops of the network that ran on the HTP.",
    less_is_better=None,
    judged=BOTH,
    column="qnn_nodes",
    budget="qnn_nodes",
    tile=True,
    compared=True,
)
HTP_NODES = Figure(
    name="htp_nodes",
    title="HTP nodes",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.htp_nodes),
    meaning="HTP ops they became.",
    less_is_better=None,
    judged=BOTH,
    column="htp_nodes",
    budget="htp_nodes",
    tile=True,
    compared=True,
)
REFERENCE_OPS = Figure(
    name="reference_ops",
    title="reference ops",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.reference_ops),
    meaning="HTP ops that are slow reference implementations.",
    judged=BOTH,
    weight=1,
    column="reference_ops",
    budget="reference_ops",
    tile=True,
    compared=True,
    telling=_TELLING,
)
FORMAT_CHANGES = Figure(
    name="format_changes",
    title="format changes",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.format_changes),
    meaning="HTP ops that only change the memory format.",
    judged=BOTH,
    weight=1,
    column="format_changes",
    budget="format_changes",
    tile=True,
    compared=True,
    telling=_TELLING,
)
FIGURES: tuple[Figure, ...] = (
    LATENCY,
    P90,
    FASTEST,
    TIME,
    CYCLES,
    IDLE,
    CLOCK,
    WORK,
    UTILIZATION,
    DRAM,
    DRAM_READ,
    DRAM_WRITE,
    VTCM_READ,
    VTCM_WRITE,
    PEAK_VTCM,
    QNN_NODES,
    HTP_NODES,
    REFERENCE_OPS,
    FORMAT_CHANGES,
)
"""In the order in which people read them."""


def _keyed(keys: Iterable[tuple[str, Figure]]) -> dict[str, Figure]:
    return {key: figure for key, figure in keys if key}


BY_NAME = _keyed((figure.name, figure) for figure in FIGURES)
BY_COLUMN = _keyed((figure.column, figure) for figure in FIGURES)
BY_BUDGET_KEY = _keyed((figure.budget, figure) for figure in FIGURES)
BY_EVENT_KEY = _keyed((figure.event, figure) for figure in FIGURES)
JUDGED = {
    column: figure
    for column, figure in sorted(BY_COLUMN.items(), key=lambda item: -item[1].weight)
    if figure.judged
}
"""By column, that of the most weight first."""
HEADLINE = {Origin.DEVICE: LATENCY, Origin.SIMULATOR: TIME}
"""The figure to look at first."""


def figure_of(name: str) -> Figure:
    """The figure of that name. Raises KeyError."""
    return BY_NAME[name]
