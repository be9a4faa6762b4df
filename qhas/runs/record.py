"""The result schema: what is stored of a cell and of a sweep.

Readers ignore keys that they do not know. A change of meaning raises `SCHEMA_VERSION`; readers refuse newer versions.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field, PrivateAttr

from qhas.devices.facts import DeviceFacts, HealthFacts
from qhas.documents import Moment, Stored
from qhas.failures import Failure, FailureKind, Step
from qhas.machine.process import ToolRun
from qhas.machine.secrets import Address
from qhas.naming import Name
from qhas.outside_text import ShownText
from qhas.profile.accuracy import Accuracy
from qhas.profile.language import Language
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.origin import Origin as Origin
from qhas.profile.runtrace import Runtrace
from qhas.site import Site
from qhas.site.sdk import SdkKind
from qhas.store import Artifact
from qhas.sweep.spec import Cell, SweepSpec
from qhas.truth.traits import Traits

SCHEMA_VERSION = 1


class CellStatus(StrEnum):
    """How a cell ended."""

    COMPLETE = "complete"
    """Every required artifact is stored."""
    FAILED = "failed"
    """The failure says why; whatever there was is stored."""


class SweepState(StrEnum):
    """How far a sweep has got."""

    RUNNING = "running"
    """Cells are still open. A sweep that died also stays in this state until it is resumed."""
    COMPLETE = "complete"
    """Every cell is complete."""
    PARTIAL = "partial"
    """Finished; some cells failed or were not run."""
    CANCELLED = "cancelled"
    """Stopped by its user; it can be resumed."""


class Attempt(Stored):
    """One try of a step: the tools it ran and, if it failed, how."""

    step: Step
    number: int
    device: str | None = None
    started_at: Moment | None = None
    seconds: float | None = Field(
        default=None, description="Seconds on the host, including waiting for a core."
    )
    tools: list[ToolRun] = []
    failure: FailureKind | None = None
    reused: bool = Field(
        default=False,
        description="Whether the outputs that the emulator computes of this program and these inputs already existed.",
        exclude_if=lambda reused: not reused,
    )


class SdkFacts(Stored):
    """The SDK that a cell ran with."""

    kind: SdkKind
    version: str


class ModelFacts(Stored):
    """The network as it was read: a DLC, an ONNX with its weight files, or a language model's config.json."""

    dlc: Address = Field(default="", exclude_if=lambda address: not address)
    onnx: Address = Field(default="", exclude_if=lambda address: not address)
    llm: Address = Field(default="", exclude_if=lambda address: not address)
    sha256: str
    size: int


class ConversionFacts(Stored):
    """The DLC that was built from an ONNX or a language model.

    Its content key and digest, its bits as in `w8a16`, and whether it was there already.
    """

    key: str
    sha256: str
    quantization: str
    reused: bool


class PreparedFacts(Stored):
    """The prepared graph: its content key, the digest of the prepared DLC, and whether it was there already."""

    key: str
    sha256: str
    schematic_sha256: str
    graph: str | None = Field(
        default=None,
        description="Key of what was compiled and how, ignoring the DLC's metadata: unchanged if the network is exported again.",
    )
    reused: bool
    context_bytes: int | None = Field(
        default=None, description="Size of the context binary, as the prepared DLC states it."
    )
    compile_seconds: float | None = Field(
        default=None, description="Seconds that graph-prepare took; None for a graph that already existed."
    )


class EffectiveOptions(Stored):
    """Options as they took effect, with defaults resolved.

    None for those that neither the prepared DLC nor the profile states.
    """

    optimization_level: int | None = None
    vtcm_mib: float | None = None
    hvx_threads: int | None = None
    dlbc: bool | None = None
    clock_mhz: float | None = Field(
        default=None, description="The simulator's clock; a device's is measured."
    )
    compiler: str | None = Field(
        default=None, description="Build id of the compiler that made the cache record."
    )


class OwnEstimate(Stored):
    """What the simulator says of a measured cell. Not a figure of the record: those are the device's."""

    sdk: str | None = Field(default=None, description="Version of the host SDK that estimated it.")
    simulated_us: float | None = None
    lower_us: float | None = Field(default=None, description="The simulator's own interval.")
    upper_us: float | None = None
    ops_without_cost: int | None = None
    why: ShownText = Field(default="", description="Why there is no estimate.")


class BudgetState(StrEnum):
    """Whether a figure is within its budget."""

    KEPT = "kept"
    """It is within its limits."""
    OVER = "over"
    """It is outside its limits."""
    ACCEPTED = "accepted"
    """It is outside its limits, but by no more than the level that was accepted."""
    NO_FIGURE = "no_figure"
    """There is no figure to compare with the limits; counts as over, since a gate must not pass what it cannot see."""
    NOT_JUDGED = "not_judged"
    """The budget is for figures of the other origin."""


class BudgetResult(Stored):
    """A figure of the cell compared with its limits, in the units of the figure."""

    figure: str
    state: BudgetState
    value: float | None
    at_most: float | None = None
    at_least: float | None = None
    sentence: str

    @property
    def broken(self) -> bool:
        """Whether the result makes the run's exit code 1."""
        return self.state in (BudgetState.OVER, BudgetState.NO_FIGURE)


_OF_GRAPH = ("latency", "metrics", "runtrace", "language", "budgets")
"""Fields that each graph of several has of its own."""


class GraphRecord(Stored):
    """What is known of one graph of a DLC that holds several; its files are in `folder`, below the cell's."""

    name: ShownText
    folder: Name
    schematic_sha256: str
    latency: Latency | None = None
    metrics: Metrics | None = None
    runtrace: Runtrace | None = None
    language: Language | None = Field(
        default=None,
        exclude_if=lambda language: language is None,
        description="For a language model: what the graph implies for the whole model.",
    )
    budgets: list[BudgetResult] = []


class CellRecord(Stored):
    """Everything known about a cell; written last, so its presence means that the cell is finished."""

    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)
    run_id: Name
    cell: Cell
    status: CellStatus
    failure: Failure | None = None
    origin: Origin
    started_at: Moment
    finished_at: Moment
    sdk: SdkFacts
    device: DeviceFacts | None = None
    model: ModelFacts | None = None
    conversion: ConversionFacts | None = Field(
        default=None,
        exclude_if=lambda facts: facts is None,
        description="For a cell whose network is an ONNX.",
    )
    prepared: PreparedFacts | None = None
    traits: Traits | None = Field(
        default=None,
        description="Traits of the network that determine how far a simulation is from a device.",
    )
    effective: EffectiveOptions | None = Field(default=None, description="Options as they took effect.")
    health: HealthFacts | None = None
    attempts: list[Attempt] = []
    latency: Latency | None = None
    metrics: Metrics | None = None
    runtrace: Runtrace | None = Field(
        default=None, description="Phases and clocks of the profiled inferences, the first one cold."
    )
    accuracy: Accuracy | None = Field(
        default=None,
        exclude_if=lambda accuracy: accuracy is None,
        description="Compared with ONNX Runtime over inferences of the input list; for a cell whose network has an ONNX.",
    )
    language: Language | None = Field(
        default=None,
        exclude_if=lambda language: language is None,
        description="For a graph of a language model, as given by `by_graph`.",
    )
    estimated: OwnEstimate | None = Field(
        default=None,
        exclude_if=lambda estimated: estimated is None,
        description="An estimate beside a device's figures, if site.yaml has estimate: true.",
    )
    remarks: list[ShownText] = Field(
        default=[], description="Anything odd about the cell's files; none of it affects a figure."
    )
    budgets: list[BudgetResult] = Field(
        default=[],
        description="Results for the budget the cell ran with; the status does not depend on them.",
    )
    artifacts: list[Artifact] = []
    graphs: list[GraphRecord] = Field(
        default=[],
        exclude_if=lambda graphs: not graphs,
        description="The graphs of a DLC that holds several; their figures are here and not above.",
    )

    _of_whole: tuple[CellRecord, GraphRecord] | None = PrivateAttr(default=None)

    @property
    def whole(self) -> CellRecord:
        """The stored record: itself, unless it was made by `by_graph`."""
        return self._of_whole[0] if self._of_whole else self

    @property
    def graph(self) -> GraphRecord | None:
        """The graph that `by_graph` made the record for; None for a whole cell."""
        return self._of_whole[1] if self._of_whole else None

    def by_graph(self) -> list[CellRecord]:
        """Return a record per graph, each like a cell of its own with the variant `<variant>/<graph>`.

        Return only the record itself if it has one graph or failed. Keys, pages, history and comparisons treat a
        graph's record like any other cell's: its files are where its key says.
        """
        return [self._of(graph) for graph in self.graphs] if self.good and self.graphs else [self]

    def _of(self, graph: GraphRecord) -> CellRecord:
        inside = f"{graph.folder}/"
        own = [
            artifact.model_copy(update={"path": artifact.path.removeprefix(inside)})
            for artifact in self.artifacts
            if artifact.path.startswith(inside)
        ]
        prepared = self.prepared and self.prepared.model_copy(
            update={"schematic_sha256": graph.schematic_sha256}
        )
        cell = self.cell.model_copy(update={"variant": f"{self.cell.variant}/{graph.folder}"})
        own_figures = {name: getattr(graph, name) for name in _OF_GRAPH}
        made = self.model_copy(
            update={"cell": cell, "prepared": prepared, "artifacts": own, "graphs": [], **own_figures}
        )
        made._of_whole = self, graph
        return made

    @property
    def outputs_reused(self) -> bool:
        """Whether the emulator had already run this program, for this SoC or another, on these inputs."""
        return any(attempt.reused for attempt in self.attempts)

    @property
    def good(self) -> bool:
        """Whether the cell is complete; it may still be over budget."""
        return self.status is CellStatus.COMPLETE

    @property
    def over_budget(self) -> list[BudgetResult]:
        """The limits that were not kept."""
        return [result for result in self.budgets if result.broken]

    def artifact(self, name: str) -> Artifact | None:
        """Return the stored file with that name in the artifact table, or None if there is none or it was pruned.

        Files of one graph of several are not searched.
        """
        folders = tuple(f"{graph.folder}/" for graph in self.graphs)
        return next(
            (
                each
                for each in self.artifacts
                if each.name == name and not each.pruned_at and not each.path.startswith(folders)
            ),
            None,
        )


def by_graph(records: Iterable[CellRecord]) -> list[CellRecord]:
    """Return the records, with one per graph for cells that have several."""
    return [each for record in records for each in record.by_graph()]


class SiteState(StrEnum):
    """How a site's part of a sweep ended."""

    FINISHED = "finished"
    """It ran to its end; cells may have failed."""
    NOT_STARTED = "not_started"
    """No worker of the site picked it up in time."""
    FAILED = "failed"
    """It was refused or broke off; what it stored still counts."""
    LOST = "lost"
    """It no longer showed any sign of life."""
    CANCELLED = "cancelled"
    """It was stopped by a user."""


class SitePart(Stored):
    """What one site did in the last try of a sweep over several: how many cells it was given, and how they ended."""

    site: str
    deployment: str
    state: SiteState
    why: str | None = Field(default=None, description="One sentence, for every state but finished.")
    cells: int
    good: int
    failed: int
    flow_run: str = Field(description="Id of the site's flow run.")
    flow_run_url: str | None = Field(
        default=None, description="Its page in the Prefect UI, if that is known."
    )

    @property
    def missing(self) -> int:
        """Cells without a record: they were not run, or not to their end."""
        return self.cells - self.good - self.failed


class SweepRecord(Stored):
    """The run as a whole: the resolved spec, site and versions, and how far it has got.

    `sdk` is None if cells or sites have their own SDKs; the cells' records name them.
    """

    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)
    run_id: Name
    state: SweepState
    started_at: Moment
    finished_at: Moment | None = None
    spec: SweepSpec
    site: Site
    sdk: SdkFacts | None = None
    qhas_version: str
    cells: int
    failed: int = 0
    missing: int = Field(default=0, description="Cells without a record when the run ended.")
    over_budget: int = Field(default=0, description="Complete cells over budget; they count as good.")
    sites: list[SitePart] = Field(default=[], description="Empty for a sweep at one site.")
    flow_runs: list[str] = Field(
        default=[],
        description="Ids of the Prefect flow runs that ran it, the latest last.",
    )

    @property
    def good(self) -> int:
        """Complete cells of a finished run."""
        return self.cells - self.failed - self.missing
