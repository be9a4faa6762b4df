"""The result of a comparison, as it is stored and shown: of two cells, or of two runs.

Throughout, `before` is the base and `after` is what is judged; a difference is after minus before, so a positive
difference in time or bytes is a loss.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.profile.figures import Unit as Unit
from qhas.runs.record import Origin


class DiffPart(Stored):
    """Base class of all models in this module; readers ignore keys they do not know."""

    model_config = ConfigDict(extra="ignore")


class Figure(DiffPart):
    """One figure on both sides; None if a side does not state it."""

    name: str
    """As in `qhas.profile.figures`; for a resource or an op, as the vendor names it."""
    unit: Unit
    before: float | None
    after: float | None

    @property
    def change(self) -> float | None:
        """After minus before; None if either is unknown."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def percent(self) -> float | None:
        """The change in percent of before; None if before is 0, for decibels, or if either is unknown."""
        if self.change is None or not self.before or self.unit is Unit.DECIBELS:
            return None
        return 100 * self.change / self.before


class Resource(DiffPart):
    """The threads of one kind of unit (HMX, HVX or DMA) on one core. Traffic in bytes."""

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
    """The name moved: the same type at the same place between ops that kept their names."""
    REPLACED = "replaced"
    """In the place of ops of other types."""
    ADDED = "added"
    """Only present after."""
    REMOVED = "removed"
    """Only present before."""


class OpEffect(StrEnum):
    """What happened to an op of the network, apart from its time. If several hold, the first one counts."""

    ADDED = "added"
    """Only present after."""
    REMOVED = "removed"
    """Only present before."""
    REPLACED = "replaced"
    """In the place of ops of other types."""
    DATA_TYPE = "data_type"
    """Its results have another data type."""
    ATTRIBUTES = "attributes"
    """Its author gave it other attributes, another kernel or another number of channels."""
    RESHAPED = "reshaped"
    """Its results have another shape or, without a DLC, another size."""
    REFERENCE_GAINED = "reference_gained"
    """More of its elements are computed by slow reference implementations."""
    REFERENCE_LOST = "reference_lost"
    FORMAT_CHANGE_GAINED = "format_change_gained"
    """More of its elements pass through HTP ops that only change the memory format."""
    FORMAT_CHANGE_LOST = "format_change_lost"
    HMX_LOST = "hmx_lost"
    """None of its HTP ops uses the matrix engine any more."""
    HMX_GAINED = "hmx_gained"
    MORE_DRAM = "more_dram"
    """It moves more data to and from DRAM."""
    LESS_DRAM = "less_dram"
    RECOMPILED = "recompiled"
    """It was compiled to other HTP ops, or to another number of them."""
    NONE = "none"
    """The same HTP ops on the same data; only their share of the dominant path may differ."""


class OpDiff(DiffPart):
    """A QNN op instance of the network, on both sides or on one.

    `dominant` is its share of the dominant path in cycles, which is time; `cycles` is its work, summed over parallel
    threads. In a REPLACED group, `name_before` and `name_after` are the names of its ops joined with ` + `.
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
    """Path of the module it belongs to, if its ONNX says so; of several ops, the first one's that has any."""
    op_count: int = 1
    """Number of QNN ops in a REPLACED group after; 1 otherwise."""
    of_network: bool = True
    """Whether the network's author wrote it; the compiler adds inputs, outputs, constants and services."""

    @property
    def name(self) -> str:
        """The name to show: the one after, or the one before if there is none."""
        return self.name_after or self.name_before or ""

    @property
    def type(self) -> str:
        """The type to show: the one after, or the one before if there is none."""
        return self.type_after or self.type_before or ""


class HtpOpDiff(DiffPart):
    """A type of HTP op that the network was compiled to, such as `q::Add.tcm`; `dominant` is as in `OpDiff`."""

    op: str
    format_change: bool
    reference_op: bool
    instances: Figure
    cycles: Figure
    dominant: Figure


class Part(StrEnum):
    """A part of an inference's time. The parts add up to the whole."""

    OPS = "ops"
    """Ops of the network that share a type and an effect: their cycles on the dominant path."""
    IDLE = "idle"
    """Cycles in which nothing works: waits between ops."""
    UNNAMED = "unnamed"
    """Cycles of the timeline that the file gives to no op and does not call idle."""
    CLOCK = "clock"
    """The same cycles at another clock or, if the clock is unknown, in another time."""
    AROUND = "around"
    """What the graph's execution takes outside its timeline: its start and end."""
    VTCM_ACQUIRE = "vtcm_acquire"
    """The wait for VTCM before the graph; like the next two, it never decides a verdict."""
    POWER_UP = "power_up"
    START_UP = "start_up"
    """Other time outside the graph's execution; all of it if no runtrace states the two above."""


NEVER_DECIDE = frozenset({Part.VTCM_ACQUIRE, Part.POWER_UP, Part.START_UP})
"""On a device, these vary from run to run by more than networks take."""


class Contribution(DiffPart):
    """What a part adds to the difference. Over all contributions of a cell, `cycles` add up to the difference in
    timeline cycles and `us` to the difference in time.
    """

    part: Part
    name: str
    """Shown to users, as in `6 Conv2d gained a format change`."""
    cycles: float
    us: float
    op_type: str | None = None
    effect: OpEffect | None = None
    ops: list[str] = []
    """Names of the ops, the largest difference first."""


class CircumstanceKind(StrEnum):
    """What else differs between two sides, in order of explanation: each kind causes changes of the kinds below."""

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
    """The same network compiled to other HTP ops, by another optimisation level or another compiler."""
    PERF_PROFILE = "perf_profile"
    DEVICE = "device"
    BUILD = "build"
    """The device's own software."""
    CLOCK = "clock"
    SCHEMA = "schema"
    """The version of the QHAS file's schema; does not affect time."""
    TRACE = "trace"
    """Switches of the trace; do not affect time."""
    DLC_BYTES = "dlc_bytes"
    """Other bytes of the DLC: names and a time stamp in the same network, or a network that was not recorded."""


class Source(StrEnum):
    """How a circumstance is known."""

    RECORD = "record"
    """Stated by the cell records or the DLCs."""
    QHAS = "qhas"
    """Inferred from the QHAS figures; the records, if there are any, do not state it."""


class Circumstance(DiffPart):
    """A difference in what was run, or where, as opposed to how fast it was."""

    kind: CircumstanceKind
    source: Source
    sentence: str
    """Shown to users, as in `VTCM 8 → 2 MiB`."""
    before: str | None = None
    after: str | None = None
    explains: bool = True
    """Whether it can change the time."""
    ops: list[str] = []
    """Names of the ops it concerns, if it concerns individual ones."""


class Outcome(StrEnum):
    """Whether a cell got worse, by the threshold of the comparison."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"


class Side(DiffPart):
    """One of the two sides of a comparison."""

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
    """What changed and why, as shown to users."""
    cause: Circumstance | None
    """The first circumstance that explains the difference; None if ops and idle time are all there is."""
    time: Figure
    """What the verdict is about: latency if both sides have one, else the graph's own time (`deciding`)."""
    figures: list[Figure]
    resources: list[Resource]
    contributions: list[Contribution]
    """The largest difference first."""
    circumstances: list[Circumstance]
    """The most explanatory first; those that explain nothing last."""
    ops: list[OpDiff]
    """Every op of both sides, the largest difference on the dominant path first."""
    htp_ops: list[HtpOpDiff]
    """Types of HTP ops that differ, the largest difference on the dominant path first: what the path gained and lost."""
    remarks: list[str]
    """What could not be compared, and what in the figures may mislead."""

    def figure(self, name: str) -> Figure | None:
        """Return the figure of that name, if there is one."""
        return next((figure for figure in self.figures if figure.name == name), None)


class NotCompared(DiffPart):
    """A cell present in both runs that was not compared, and the reason."""

    cell: str
    reason: str


class RunDiff(DiffPart):
    """A comparison of two runs, cell by cell."""

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
        """Return the cells with that verdict."""
        return [cell for cell in self.cells if cell.verdict is verdict]
