"""The result schema: what is stored of a cell and of a sweep.

Readers ignore keys they do not know. A change of meaning raises `SCHEMA_VERSION`; readers refuse newer ones.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from qhas.failures import Failure, FailureKind, Step
from qhas.process import ToolRun
from qhas.sdk import SdkKind
from qhas.site import Site
from qhas.spec import Cell, SweepSpec
from qhas.summary import Metrics

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
SWEEP_RECORD = "sweep.json"


class Origin(StrEnum):
    """Where figures come from. Figures of different origin never share a column."""

    DEVICE = "device"
    """Measured on a phone or a board."""
    SIMULATOR = "simulator"
    """Estimated on this host; never measured."""


class CellStatus(StrEnum):
    """How a cell ended."""

    COMPLETE = "complete"
    """Every required artifact is stored."""
    FAILED = "failed"
    """The failure says why; what there was is stored."""


class SweepState(StrEnum):
    """How far a sweep is."""

    RUNNING = "running"
    """Cells are open. Also what a sweep that died is left with, until it is resumed."""
    COMPLETE = "complete"
    """Every cell is complete."""
    PARTIAL = "partial"
    """Finished; some cells failed."""
    CANCELLED = "cancelled"
    """Stopped by its user; can be resumed."""


class Stored(BaseModel):
    """Base of everything stored."""

    model_config = ConfigDict(extra="ignore")


class Artifact(Stored):
    """A stored file. `path` is relative to the cell's manifest; digest and size are of the stored bytes."""

    name: str
    path: str
    sha256: str
    size: int


class Attempt(Stored):
    """One try of a step: the tools it ran and, if it failed, how."""

    step: Step
    number: int
    tools: list[ToolRun] = []
    failure: FailureKind | None = None


class SdkFacts(Stored):
    """The SDK a cell ran with."""

    kind: SdkKind
    version: str


class DeviceFacts(Stored):
    """The device a cell ran on."""

    name: str
    soc: str
    transport: str


class ModelFacts(Stored):
    """The DLC as it was read."""

    dlc: str
    sha256: str
    size: int


class PreparedFacts(Stored):
    """The prepared graph: its content key, the digest of the prepared DLC, and whether it was there already."""

    key: str
    sha256: str
    schematic_sha256: str
    reused: bool


class CellRecord(Stored):
    """Everything there is to know of a cell; written last, so its presence says the cell is finished."""

    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)
    run_id: str
    cell: Cell
    status: CellStatus
    failure: Failure | None = None
    origin: Origin
    started_at: datetime
    finished_at: datetime
    sdk: SdkFacts
    device: DeviceFacts | None = None
    model: ModelFacts | None = None
    prepared: PreparedFacts | None = None
    attempts: list[Attempt] = []
    metrics: Metrics | None = None
    artifacts: list[Artifact] = []

    def artifact(self, name: str) -> Artifact | None:
        """The stored file of that name in the artifact table, if there is one."""
        return next((artifact for artifact in self.artifacts if artifact.name == name), None)


class SweepRecord(Stored):
    """The run as a whole: resolved spec, site and versions, and where it stands."""

    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)
    run_id: str
    state: SweepState
    started_at: datetime
    finished_at: datetime | None = None
    spec: SweepSpec
    site: Site
    sdk: SdkFacts
    qhas_version: str
    cells: int
    failed: int = 0
