"""A cell at work: its directories, its attempts and its outcome."""

from __future__ import annotations

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qhas.cell.artifacts import ArtifactSpec, expected_of
from qhas.cell.diagnosis import disk_to_blame, judge_tool
from qhas.cell.graphs import GraphWork
from qhas.cell.inputs import StagedInputs, gather_inputs
from qhas.devices import Device, Job
from qhas.devices.facts import DeviceFacts, HealthFacts
from qhas.failures import FACTS, DeviceFailed, Failure, FailureKind, Step, StepFailed
from qhas.lab.lab import Lab
from qhas.lab.pipeline import Pipeline, Stage
from qhas.machine.cores import Urgency
from qhas.machine.process import ToolNotExecutable, ToolRun, run_tool
from qhas.network.onnx_file import OnnxGraph
from qhas.profile.accuracy import Accuracy
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.runtrace import Runtrace
from qhas.runs import progress
from qhas.runs.durations import seconds_of
from qhas.runs.record import (
    Attempt,
    ConversionFacts,
    EffectiveOptions,
    ModelFacts,
    Origin,
    OwnEstimate,
    PreparedFacts,
)
from qhas.site.sdk import Sdk
from qhas.store import StoreError
from qhas.sweep.forecast import NOTHING, Forecast
from qhas.sweep.spec import Cell
from qhas.truth.traits import Traits

if TYPE_CHECKING:
    from qhas.cell.conversion import MadeNetwork


class CellWork:
    """Everything known about a cell while it runs. Steps write into it; publishing reads it."""

    def __init__(
        self, cell: Cell, lab: Lab, run_id: str, directory: Path, pipeline: Pipeline | None = None
    ) -> None:
        self.cell = cell
        self.lab = lab
        self.run_id = run_id
        self.directory = directory
        self._pipeline = pipeline
        self._learnt = NOTHING
        self.started_at = datetime.now(UTC)
        self.attempts: list[Attempt] = []
        self.folders: dict[Step, Path] = {}
        """Working directory of the last attempt of each step."""
        self.outputs: list[Path] = []
        self.model: ModelFacts | None = None
        self.graph: OnnxGraph | None = None
        """The graph of an ONNX as it was given."""
        self.network: MadeNetwork | None = None
        """The network as the steps before prepare left it; None for a DLC."""
        self.conversion: ConversionFacts | None = None
        self.prepared: PreparedFacts | None = None
        self.effective: EffectiveOptions | None = None
        self.device: DeviceFacts | None = None
        self.origin = lab.origin(cell.soc)
        self.health: HealthFacts | None = None
        self.latency: Latency | None = None
        self._inputs: StagedInputs | None = None
        self._not_gathered: Exception | None = None
        self.traits: Traits | None = None
        self.metrics: Metrics | None = None
        self.runtrace: Runtrace | None = None
        self.accuracy: Accuracy | None = None
        self.estimated: OwnEstimate | None = None
        self.remarks: list[str] = []
        self.graphs: list[GraphWork] = []
        """The graphs of a DLC that holds several; figures are then recorded per graph."""
        self.failure: Failure | None = None

    async def inputs(self, prepared_dlc: Path) -> StagedInputs:
        """Return the cell's input data, gathered once. Raises StepFailed.

        An error from gathering ahead is raised once, without a second try.
        """
        if error := self._not_gathered:
            self._not_gathered = None
            raise error
        if self._inputs is None:
            folder = self.directory / "inputs"
            folder.mkdir(parents=True, exist_ok=True)
            self._inputs = await asyncio.to_thread(gather_inputs, self.cell.model, prepared_dlc, folder)
        return self._inputs

    async def gather_inputs_ahead(self, prepared_dlc: Path) -> None:
        """Gather the inputs while no device waits for them. An error is left to the first step that needs them."""
        if self.executes:
            try:
                await self.inputs(prepared_dlc)
            except (StepFailed, StoreError, OSError) as error:
                self._not_gathered = error

    @asynccontextmanager
    async def lease(self, avoid: Collection[str] = ()) -> AsyncIterator[Device]:
        """Lease a device of the cell's SoC exclusively. Raises StepFailed.

        A device of `avoid` is used only if there is no other.
        """
        self._learn()
        self._enter(Stage.WAITING)
        seconds = self._pipeline.expected.of(self.cell).device if self._pipeline else 0.0
        try:
            async with self.lab.lease(self.cell, self.run_id, avoid, seconds) as device:
                self._enter(Stage.ON_DEVICE)
                self.device, self.origin = device.facts, device.origin
                yield device
        finally:
            self._learn()
            self._enter(Stage.FINISHING)

    def report_wait(self, host: str, doing: str) -> None:
        """Report that the cell waits for another host, which is `doing` what the cell needs too."""
        progress.report(progress.Waiting(self.cell, f"waiting for {host}, which is {doing}"))

    @property
    def executes(self) -> bool:
        """Whether the network is executed: an estimate needs no inputs and leaves no outputs."""
        return self.cell.model.executes

    @property
    def sdk(self) -> Sdk:
        """The SDK that the cell runs with."""
        return self.lab.sdk_of(self.cell)

    def urgency(self) -> Urgency:
        """Return how urgent the cell's work on this host is now."""
        return self._pipeline.urgency(self.cell) if self._pipeline else Urgency.AHEAD

    def _enter(self, stage: Stage) -> None:
        if self._pipeline:
            self._pipeline.enter(self.cell, stage)

    def leave(self) -> None:
        """Report to the pipeline that the cell has finished."""
        if self._pipeline:
            self._learn()
            self._pipeline.leave(self.cell)

    def _learn(self) -> None:
        """Correct the forecasts of waiting cells by the times this cell has taken since they were last reported."""
        if self._pipeline:
            took = seconds_of(self.attempts, self.origin)
            news = (now if now != before else 0.0 for now, before in zip(took, self._learnt, strict=True))
            self._pipeline.expected.learn(self.cell.key, Forecast(*news))
            self._learnt = took

    async def note_health_after(self, device: Device) -> None:
        """Record the device's condition after the runs. Raises DeviceFailed."""
        if self.health:
            self.health = self.health.model_copy(update={"after": await device.health()})

    @asynccontextmanager
    async def attempt(self, step: Step) -> AsyncIterator[StepAttempt]:
        """Make one try of a step in a fresh directory. A failure is recorded and raised again.

        If the step is tried again because of a failure, the failure table's delay comes first. Errors of the device,
        the store and files become StepFailed, of the device's kind, STORE and DISK respectively; all others pass
        unchanged.
        """
        await self._delay(step)
        number = sum(each.step is step for each in self.attempts) + 1
        record = Attempt(
            step=step,
            number=number,
            device=self.device.name if self.device else None,
            started_at=datetime.now(UTC),
        )
        self.attempts.append(record)
        folder, clock = self.directory / f"{step}-{number}", time.monotonic()
        progress.report(progress.StepStarted(self.cell, step, number))
        try:
            self.directory.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir()
            self.folders[step] = folder
            yield StepAttempt(self, record, folder)
        except StepFailed as error:
            of_disk = disk_to_blame(error, record.tools)
            record.failure = (of_disk or error).failure.kind
            if of_disk:
                raise of_disk from error
            raise
        except DeviceFailed as error:
            record.failure = error.kind
            raise StepFailed(error.kind, step, str(error), error.evidence) from error
        except StoreError as error:
            record.failure = FailureKind.STORE
            raise StepFailed(FailureKind.STORE, step, f"{str(error).rstrip('.')}.") from error
        except OSError as error:
            record.failure = FailureKind.DISK
            raise StepFailed(FailureKind.DISK, step, f"{step} could not use its files: {error}.") from error
        finally:
            record.seconds = round(time.monotonic() - clock, 3)

    async def _delay(self, step: Step) -> None:
        last = self.attempts[-1] if self.attempts else None
        if last and last.failure and step in (last.step, Step.DEVICE):
            await asyncio.sleep(FACTS[last.failure].delay_seconds)


class StepAttempt:
    """One try of a step: where it works and which tools it ran."""

    def __init__(self, work: CellWork, record: Attempt, folder: Path) -> None:
        self.work = work
        self.folder = folder
        self._record = record

    @property
    def step(self) -> Step:
        """The step being tried."""
        return self._record.step

    def output(self) -> Path:
        """Return a new file for a tool's output, outside the tool's working directory and published with the cell."""
        path = self.work.directory / f"{self.step}-{self._record.number}.txt"
        self.work.outputs.append(path)
        return path

    @property
    def tool_seconds(self) -> float | None:
        """Seconds that the attempt's last tool took on its host; None before the first."""
        return self._record.tools[-1].seconds if self._record.tools else None

    async def run_host_tool(self, argv: list[str]) -> None:
        """Run an SDK tool on this host in the step's directory and judge how it ended. Raises StepFailed."""
        output, lab = self.output(), self.work.lab
        try:
            async with lab.cores.turn(self.work.urgency):
                run = await run_tool(
                    argv,
                    cwd=self.folder,
                    env=self.work.sdk.environment(),
                    output=output,
                    timeout_seconds=self.work.cell.run.timeout_seconds,
                )
        except ToolNotExecutable as error:
            raise StepFailed(FailureKind.TOOL_MISSING, self.step, f"{error}.") from error
        self._record.tools.append(run)
        await asyncio.to_thread(judge_tool, self.step, run, output)

    def note_reused(self) -> None:
        """Record that nothing had to be executed."""
        self._record.reused = True

    def require_room(self) -> None:
        """Raise StepFailed if the disk was full when the last tool ended: its files may be truncated unnoticed."""
        if self._record.tools[-1].disk_full:
            message = f"The disk of the scratch directory was full when {self.step} ended."
            raise StepFailed(FailureKind.DISK, self.step, message)

    async def run_device_tool(self, job: Job, argv: list[str], *, timeout_seconds: float) -> ToolRun:
        """Run an SDK tool in a job and record it; its result is judged separately.

        Raises StepFailed if it cannot be executed.
        """
        try:
            run = await job.run(argv, output=self.output(), timeout_seconds=timeout_seconds)
        except ToolNotExecutable as error:
            raise StepFailed(FailureKind.TOOL_MISSING, self.step, f"{error}.") from error
        self._record.tools.append(run)
        return run

    def judge_device_tool(self, run: ToolRun, device_log: Path | None = None) -> None:
        """Raise StepFailed if the exit or the output of the last tool shows a failure."""
        on_device = self.work.origin is Origin.DEVICE
        judge_tool(self.step, run, self.work.outputs[-1], on_device=on_device, device_log=device_log)

    def collect(self, *names: str, folder: str = "") -> dict[str, Path]:
        """Return the step's files by artifact name, all or only those named, from a graph's folder or the step's own.

        Raises StepFailed if a required one is absent.
        """
        wanted = [spec for spec in expected_of(self.step) if not names or spec.name in names]
        return {spec.name: found for spec in wanted if (found := self._find(spec, folder))}

    def _find(self, spec: ArtifactSpec, folder: str) -> Path | None:
        paths = sorted((self.folder / folder).glob(spec.pattern))
        if not paths and spec.required(self.work.cell.trace):
            missing = f"{folder}/{spec.pattern}" if folder else spec.pattern
            raise StepFailed(spec.absent, self.step, f"{self.step} ended without {missing}.")
        return paths[0] if paths else None


@asynccontextmanager
async def open_work(
    cell: Cell, lab: Lab, run_id: str, pipeline: Pipeline | None = None
) -> AsyncIterator[CellWork]:
    """Open a cell's work in its own directory below the lab's scratch space, removed when the cell ends.

    The first attempt creates it, so that a full disk is that attempt's failure.

    With a pipeline, which has started the cell, its use of this host and its devices follows the pipeline's order.
    """
    directory = lab.scratch / f"cell-{uuid.uuid4().hex[:12]}"
    work = CellWork(cell, lab, run_id, directory, pipeline)
    try:
        yield work
    finally:
        work.leave()
        await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
