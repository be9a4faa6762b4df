"""The order of a cell's steps, defined once: flows run them as Prefect tasks, `qhas.direct` as plain calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from qhas.cell.accuracy import hindrance, is_asked_for, measure_accuracy
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.conversion import convert, order_of, quantize
from qhas.cell.device import ready_device
from qhas.cell.estimate import estimate_too
from qhas.cell.explanation import explain_too
from qhas.cell.language import scale
from qhas.cell.latency import measure_latency
from qhas.cell.net_run import ProfiledRun, collect_logs, net_run
from qhas.cell.outputs import compared_inferences, run_other_inputs
from qhas.cell.prepare import Prepared, prepare_graph
from qhas.cell.publish import publish_cell, record_of
from qhas.cell.work import CellWork, open_work
from qhas.devices import Device
from qhas.failures import (
    FACTS,
    Again,
    Failure,
    FailureKind,
    Step,
    StepFailed,
    worth_another_attempt,
    worth_another_device,
)
from qhas.lab.lab import Lab
from qhas.lab.pipeline import Pipeline
from qhas.profile.accuracy import Accuracy
from qhas.profile.origin import Origin
from qhas.runs import progress
from qhas.runs.record import CellRecord
from qhas.site import Viewer
from qhas.sweep.expectation import Expectations
from qhas.sweep.spec import Cell

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Steps:
    """The steps of a cell as a caller runs them: once, or again if the failure table grants another attempt."""

    convert: Callable[[CellWork], Coroutine[Any, Any, None]]
    quantize: Callable[[CellWork], Coroutine[Any, Any, None]]
    prepare_graph: Callable[[CellWork], Coroutine[Any, Any, Prepared]]
    ready_device: Callable[[CellWork, Device], Coroutine[Any, Any, None]]
    measure_latency: Callable[[CellWork, Prepared, Device], Coroutine[Any, Any, None]]
    net_run: Callable[[CellWork, Prepared, Device], Coroutine[Any, Any, ProfiledRun]]
    collect_logs: Callable[[CellWork, ProfiledRun, Device], Coroutine[Any, Any, Path]]
    run_other_inputs: Callable[[CellWork, Prepared, Device], Coroutine[Any, Any, None]]
    generate_chrometrace: Callable[[CellWork, Prepared, Path, Device | None], Coroutine[Any, Any, None]]
    scale: Callable[[CellWork], Coroutine[Any, Any, None]]
    measure_accuracy: Callable[[CellWork, Prepared], Coroutine[Any, Any, None]]
    explain: Callable[[CellWork], Coroutine[Any, Any, None]]
    publish_cell: Callable[[CellWork], Coroutine[Any, Any, CellRecord]]

    def each(self, wrapped: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> Steps:
        """Return these steps, each replaced by the result of `wrapped` for its name and itself."""
        return Steps(
            *(wrapped(name, getattr(self, step.name)) for name, step in zip(NAMES, fields(self), strict=True))
        )


NAMES = (
    "convert",
    "quantize",
    "graph-prepare",
    "ready-device",
    "latency",
    "net-run",
    "collect-logs",
    "outputs",
    "chrometrace",
    "scale",
    "accuracy",
    "explain",
    "publish",
)
"""Names of the steps as users see them, in order."""
ONCE = Steps(
    convert,
    quantize,
    prepare_graph,
    ready_device,
    measure_latency,
    net_run,
    collect_logs,
    run_other_inputs,
    generate_chrometrace,
    scale,
    measure_accuracy,
    explain_too,
    publish_cell,
)
"""Each step as it is, one attempt per call."""


def retried(steps: Steps) -> Steps:
    """Return these steps, each call with as many attempts as the failure table grants."""
    return steps.each(lambda _, step: _retried(step))


def _retried(step: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    @wraps(step)
    async def attempts(*args: P.args, **kwargs: P.kwargs) -> T:
        made = 0
        while True:
            made += 1
            try:
                return await step(*args, **kwargs)
            except StepFailed as error:
                if not worth_another_attempt(error, made):
                    raise

    return attempts


DIRECT = retried(ONCE)
"""The steps without Prefect."""


async def profile_cells(
    cells: Sequence[Cell],
    lab: Lab,
    run_id: str,
    steps: Steps,
    expected: Expectations | None = None,
) -> list[CellRecord]:
    """Profile all cells, in parallel as far as cores and devices allow; return the records in the order given.

    How long cells are expected to take decides the order of work.
    """
    pipeline = Pipeline(
        cells, lab.site.devices_by_soc(), lab.cores.count, lab.site.host, lab.scratch, expected
    )
    async with asyncio.TaskGroup() as group:
        running = {
            cell.key: group.create_task(profile_cell(cell, lab, run_id, steps, pipeline))
            async for cell in pipeline
        }
    return [running[cell.key].result() for cell in cells]


async def profile_cell(
    cell: Cell, lab: Lab, run_id: str, steps: Steps, pipeline: Pipeline | None = None
) -> CellRecord:
    """Profile a cell. A failure ends up in its record rather than an exception; a cancelled cell leaves no record."""
    async with open_work(cell, lab, run_id, pipeline) as work:
        try:
            await _profile(work, steps)
            await estimate_too(work)
            await _explain(work, steps)
        except StepFailed as error:
            work.failure = error.failure
        except Exception as error:  # an error in our own code must not harm the other cells
            progress.report(progress.Trouble(cell, "unexpected error", error))
            work.failure = fault_of_ours(work, error)
        try:
            record = await steps.publish_cell(work)
        except StepFailed as error:
            work.failure = error.failure
            record = record_of(work, artifacts=[])
        progress.report(progress.CellFinished(record))
        return record


async def _profile(work: CellWork, steps: Steps) -> None:
    for step in order_of(work.cell, work.sdk):
        await (steps.convert if step is Step.CONVERT else steps.quantize)(work)
    prepared = await steps.prepare_graph(work)
    log = await _measure(work, steps, prepared)
    if work.lab.site.viewer is Viewer.HOST:
        await steps.generate_chrometrace(work, prepared, log, None)
    if work.cell.model.llm:
        await steps.scale(work)
    if is_asked_for(work.cell.model):
        await _measure_accuracy(work, steps, prepared)


async def _explain(work: CellWork, steps: Steps) -> None:
    """Explain the cell if requested; a cell without an explanation is still good."""
    if not work.cell.explain:
        return
    try:
        await steps.explain(work)
    except StepFailed as error:
        work.remarks.append(f"What bounds the network is not known: {error.failure.message}")
    except Exception as error:
        progress.report(progress.Trouble(work.cell, "unexpected error", error))
        work.remarks.append(f"What bounds the network is not known: {type(error).__name__}.")


async def _measure(work: CellWork, steps: Steps, prepared: Prepared) -> Path:
    """Run everything that needs a device in one lease, or in a new one if the failure table says so."""
    await work.gather_inputs_ahead(prepared.dlc)
    failed_on: list[str] = []
    while True:
        try:
            async with work.lease(avoid=failed_on) as device:
                if device.origin is Origin.DEVICE:  # a simulator is always ready, and has nothing to time
                    await steps.ready_device(work, device)
                    await _measure_latency(work, steps, prepared, device)
                run = await steps.net_run(work, prepared, device)
                log = await steps.collect_logs(work, run, device)
                if work.lab.site.viewer is Viewer.DEVICE:
                    await steps.generate_chrometrace(work, prepared, log, device)
                await _run_other_inputs(work, steps, prepared, device)
                return log
        except StepFailed as error:
            if not worth_another_device(error, len(failed_on) + 1):
                raise
            failed_on.append(str(device.facts.address))


async def _measure_latency(work: CellWork, steps: Steps, prepared: Prepared, device: Device) -> None:
    """Measure latency; a cell without latency still gets its trace, and then counts as failed.

    A failure that a different device may avoid is raised.
    """
    if not work.cell.run.repetitions:
        return
    try:
        await steps.measure_latency(work, prepared, device)
    except StepFailed as error:
        if FACTS[error.failure.kind].again is Again.ELSEWHERE:
            raise
        work.failure = error.failure


async def _run_other_inputs(work: CellWork, steps: Steps, prepared: Prepared, device: Device) -> None:
    """Run what accuracy needs of a device, after everything else; a failure costs the cell only its accuracy."""
    if not is_asked_for(work.cell.model) or hindrance(work):
        return
    try:
        if await compared_inferences(work, prepared) > 1:
            await steps.run_other_inputs(work, prepared, device)
    except StepFailed as error:
        work.accuracy = _no_accuracy(error)


async def _measure_accuracy(work: CellWork, steps: Steps, prepared: Prepared) -> None:
    """Measure accuracy; a cell without it is still good, since its other figures do not depend on it.

    Its record says why there is none.
    """
    if why := hindrance(work):
        work.accuracy = Accuracy(why=why)
    if work.accuracy:
        return
    try:
        await steps.measure_accuracy(work, prepared)
    except StepFailed as error:
        work.accuracy = _no_accuracy(error)


def _no_accuracy(error: StepFailed) -> Accuracy:
    return Accuracy(why=error.failure.message.rstrip("."))


def fault_of_ours(work: CellWork, error: Exception) -> Failure:
    """Return the failure of a cell at work for an error that no kind of failure covers."""
    step = work.attempts[-1].step if work.attempts else Step.PREPARE
    return Failure.of(FailureKind.INTERNAL, step, f"{type(error).__name__}: {error}")
