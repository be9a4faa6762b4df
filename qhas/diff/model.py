"""The result of a comparison, as it is stored and shown: a cell against a cell, a run against a run.

Everywhere `before` is the base and `after` what is judged; a difference is after minus before, so a positive one of
time or bytes is a loss.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.profile.figures import Unit as Unit
from qhas.runs.record import Origin


class DiffPart(Stored):
    """Base of everything here; readers ignore keys they do not know."""

    model_config = ConfigDict(extra="ignore")


class Figure(DiffPart):
    """One figure of both sides; None where a side does not tell."""

    name: str
    """As in `qhas.profile.figures`, or as the vendor names it where it is of a resource or an op."""
    unit: Unit
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """After minus before; None where a side does not tell."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def percent(self) -> float | None:
        """The change in percent of before; None from nothing, of decibels, or where a side does not tell."""
        if self.change is None or not self.before or self.unit is Unit.DECIBELS:
            return None
        return 100 * self.change / self.before


class Resource(DiffPart):
    """The threads of one kind of unit, HMX, HVX or DMA, of one core. Traffic in bytes."""

    core: int
    unit: str
    threads: Figure
    cycles_used: Figure
    utilization: Figure
    """Mean over its threads, in percent of the timeline."""
    dram: Figure
    vtcm: Figure


class Matched(StrEnum):
    """How an op of one side was found on the other."""

    NAME = "name"
    """The same name, apart from the numbers that every compile moves (`qhas.profile.op_names`)."""
    PLACE = "place"
    """The name moved: the same type at the same place between ops that kept theirs."""
    REPLACED = "replaced"
    """Stands where ops of other types stood."""
    ADDED = "added"
    """Only after."""
    REMOVED = "removed"
    """Only before."""


class OpEffect(StrEnum):
    """What happened to an op of the network, beside its time. Of several that hold, the first is the one to look at."""

    ADDED = "added"
    """Only after."""
    REMOVED = "removed"
    """Only before."""
    REPLACED = "replaced"
    """Stands where ops of other types stood."""
    DATA_TYPE = "data_type"
    """Its results have another data type."""
    ATTRIBUTES = "attributes"
    """Its author gave it other attributes, or another kernel or number of channels."""
    RESHAPED = "reshaped"
    """Its results have another shape, or, where no DLC tells, another size."""
    REFERENCE_GAINED = "reference_gained"
    """More HTP ops of it are slow reference implementations."""
    REFERENCE_LOST = "reference_lost"
    FORMAT_CHANGE_GAINED = "format_change_gained"
    """More HTP ops of it only change the memory format."""
    FORMAT_CHANGE_LOST = "format_change_lost"
    HMX_LOST = "hmx_lost"
    """None of its HTP ops uses the matrix engine any more."""
    HMX_GAINED = "hmx_gained"
    MORE_DRAM = "more_dram"
    """It moves more to and from DRAM."""
    LESS_DRAM = "less_dram"
    RECOMPILED = "recompiled"
    """It became other HTP ops, or another number of them."""
    NONE = "none"
    """The same HTP ops on the same data took another share of the dominant path."""


class OpDiff(DiffPart):
    """A QNN op of the network: an instance, on both sides or on one.

    `dominant` is its share of the dominant path in cycles, which is time; `cycles` is its work, summed over parallel
    threads. For a REPLACED group `name_before` and `name_after` join the names of its ops with ` + `.
    """

    name_before: str | None
    name_after: str | None
    type_before: str | None
    type_after: str | None
    matched: Matched
    effect: OpEffect
    dominant: Figure
    cycles: Figure
    htp_ops: Figure
    format_changes: Figure
    reference_ops: Figure
    dram: Figure
    shape_before: list[int] | None = None
    shape_after: list[int] | None = None
    data_type_before: str | None = None
    data_type_after: str | None = None
    module: str | None = None
    """Path of the module that it is of, where its ONNX says so: of several ops, the first's that has one."""
    op_count: int = 1
    """QNN ops that a REPLACED group holds after; 1 otherwise."""
    of_network: bool = True
    """Whether the network's author wrote it: the compiler adds inputs, outputs, constants and services."""

    @property
    def name(self) -> str:
        """For people: the name after, or before where there is none."""
        return self.name_after or self.name_before or ""

    @property
    def type(self) -> str:
        """For people: the type after, or before where there is none."""
        return self.type_after or self.type_before or ""


class HtpOpDiff(DiffPart):
    """A type of HTP op, as in `q::Add.tcm`: what the network was compiled to. Its share of the dominant path included."""

    op: str
    format_change: bool
    reference_op: bool
    instances: Figure
    cycles: Figure
    dominant: Figure


class Part(StrEnum):
    """What takes time. The parts of an inference add up to its time."""

    OPS = "ops"
    """Ops of the network that share a type and an effect: their cycles on the dominant path."""
    IDLE = "idle"
    """Cycles in which nothing works: waits between ops."""
    UNNAMED = "unnamed"
    """Cycles of the timeline that the file gives to no op and does not call idle."""
    CLOCK = "clock"
    """The same cycles at another clock; where nobody tells the clock, in another time."""
    AROUND = "around"
    """What the graph's execution takes outside its timeline: its start and end."""
    VTCM_ACQUIRE = "vtcm_acquire"
    """The wait for VTCM before the graph; never decides a verdict, as the next two."""
    POWER_UP = "power_up"
    START_UP = "start_up"
    """Other time outside the graph's execution; all of it where no runtrace tells the two above."""


NEVER_DECIDE = frozenset({Part.VTCM_ACQUIRE, Part.POWER_UP, Part.START_UP})
"""Of a device, these differ from run to run by more than networks take."""


class Contribution(DiffPart):
    """What a part adds to the difference. Over all contributions of a cell, `cycles` add up to the difference of
    timeline cycles and `us` to that of the time.
    """

    part: Part
    name: str
    """For people, as in `6 Conv2d, format change added`."""
    cycles: float
    us: float
    op_type: str | None = None
    effect: OpEffect | None = None
    ops: list[str] = []
    """Names of the ops, the largest difference first."""


class CircumstanceKind(StrEnum):
    """What else differs between two sides, in the order in which it explains: a change of what stands higher makes
    changes of what stands lower.
    """

    SOC = "soc"
    VTCM = "vtcm_mb"
    HVX_THREADS = "hvx_threads"
    OPTIMIZATION_LEVEL = "optimization_level"
    DLBC = "dlbc"
    SDK = "sdk"
    DATA_TYPE = "data_type"
    NETWORK = "network"
    """Ops, their attributes, or shapes."""
    WEIGHTS = "weights"
    """The same ops and shapes with other weights, or other scales of quantised tensors."""
    COMPILED = "compiled"
    """The same network, compiled to other HTP ops: an optimisation level or another compiler."""
    PERF_PROFILE = "perf_profile"
    DEVICE = "device"
    BUILD = "build"
    """The device's own software."""
    CLOCK = "clock"
    SCHEMA = "schema"
    """The form of the QHAS file; changes no time."""
    TRACE = "trace"
    """Switches of the trace; change no time."""
    DLC_BYTES = "dlc_bytes"
    """Other bytes of the DLC: with the same network, names and a time stamp; or with a network that nobody recorded."""


class Source(StrEnum):
    """How a circumstance is known."""

    RECORD = "record"
    """The cell records say so, or the DLCs."""
    QHAS = "qhas"
    """Read from the QHAS figures; the records, if there are any, do not say so."""


class Circumstance(DiffPart):
    """A difference of what was run, or where; as opposed to how fast it was."""

    kind: CircumstanceKind
    source: Source
    sentence: str
    """For people, as in `VTCM 8 → 2 MiB`."""
    before: str | None = None
    after: str | None = None
    explains: bool = True
    """Whether it can change the time."""
    ops: list[str] = []
    """Names of the ops it is about, where it is about single ones."""


class Outcome(StrEnum):
    """Whether a cell got worse, by the threshold the comparison was given."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"


class Side(DiffPart):
    """One of the two that are compared."""

    label: str
    """A run id, or the name of a file."""
    cell: str | None = None
    """Key of the cell, `<model>/<soc>/<variant>`; None for a file."""
    model: str
    soc: str | None = None
    origin: Origin
    sdk: str | None = None
    device: str | None = None


class CellDiff(DiffPart):
    """Two QHAS summaries of the same origin. Times in microseconds, memory in bytes."""

    before: Side
    after: Side
    verdict: Outcome
    sentence: str
    """What changed and why, for people."""
    cause: Circumstance | None
    """What explains the difference before any op does; None where ops, idle time or clock are all there is."""
    time: Figure
    """What the verdict is about: the latency where both sides have one, else the graph's own time (`deciding`)."""
    figures: list[Figure]
    resources: list[Resource]
    contributions: list[Contribution]
    """The largest difference first."""
    circumstances: list[Circumstance]
    """The one that explains most first; those that explain nothing last."""
    ops: list[OpDiff]
    """Every op of both sides, the largest difference on the dominant path first."""
    htp_ops: list[HtpOpDiff]
    """Types of HTP ops that differ, the largest difference on the dominant path first: what the path gained and lost."""
    remarks: list[str]
    """What could not be compared, and what in the figures may mislead."""

    def figure(self, name: str) -> Figure | None:
        """The figure of that name, if there is one."""
        return next((figure for figure in self.figures if figure.name == name), None)


class NotCompared(DiffPart):
    """A cell of both runs that was not compared, and why."""

    cell: str
    reason: str


class RunDiff(DiffPart):
    """Two runs, cell by cell."""

    before: str
    after: str
    sentence: str
    cells: list[CellDiff]
    """The worst first."""
    only_before: list[str]
    only_after: list[str]
    not_compared: list[NotCompared]

    @property
    def worse(self) -> bool:
        """Whether any cell got worse."""
        return bool(self.of(Outcome.WORSE))

    def of(self, verdict: Outcome) -> list[CellDiff]:
        """The cells with that verdict."""
        return [cell for cell in self.cells if cell.verdict is verdict]
