"""The latency pass, whose figures may be quoted: op profiling off, warm-ups, repetitions, the SDK's own single times.

Process wall time is never a latency. Times come from the runtime's diagnostic log (`SNPEDiag*.log`); if it cannot be
read here, the SDK's own `snpe-diagview` reads it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

from qhas.cell.artifacts import DIAGNOSTICS, SAMPLES
from qhas.cell.execution import bring, execute, fresh
from qhas.cell.graphs import GraphWork
from qhas.cell.inputs import StagedInputs, repeated
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork, StepAttempt
from qhas.devices import Device
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.diagview import LatencyInvalid, Samples, csv_of, latency, read_averages, read_samples
from qhas.profile.metrics import Latency
from qhas.profile.snpe_log import read_log_samples
from qhas.runs.record import Origin
from qhas.site.sdk import OUTPUT, ProfilingLevel

_DIAGNOSTICS = f"{OUTPUT}/{DIAGNOSTICS}"


async def measure_latency(work: CellWork, prepared: Prepared, device: Device) -> None:
    """Time single inferences, except on a simulator, where there is nothing to time. Raises StepFailed."""
    options = work.cell.run
    if device.origin is Origin.SIMULATOR or not options.repetitions:
        return
    async with work.attempt(Step.LATENCY) as attempt:
        count = options.warmups + options.repetitions
        inputs = repeated(await work.inputs(prepared.dlc), count, attempt.folder)
        if not prepared.graphs:
            work.latency = await _time(attempt, prepared, inputs, device)
        for index, graph in enumerate(prepared.graphs):
            graph.latency = await _time(attempt, prepared, inputs.only(index), device, graph)


async def _time(
    attempt: StepAttempt,
    prepared: Prepared,
    inputs: StagedInputs,
    device: Device,
    graph: GraphWork | None = None,
) -> Latency:
    """Time the DLC's only graph, or the given graph alone: time spent in other graphs is not part of its latency."""
    name, place = (graph.name, f"{graph.folder}/") if graph else (None, "")
    execution = await execute(attempt, device, prepared, inputs, ProfilingLevel.BASIC, name)
    log = fresh(attempt, execution, await execution.job.files(_DIAGNOSTICS), _DIAGNOSTICS)
    copy = await bring(attempt, execution.job, log, f"{place}{PurePosixPath(log.name).name}")
    await execution.job.discard()
    samples = attempt.folder / place / SAMPLES
    if timing := await asyncio.to_thread(_read_log, attempt, copy, samples, inputs.inferences):
        return timing
    await attempt.run_host_tool(attempt.work.sdk.diagview_argv(log=copy, output=samples))
    return await asyncio.to_thread(_read_table, attempt, samples, inputs.inferences)


def _read_log(attempt: StepAttempt, log: Path, table: Path, count: int) -> Latency | None:
    """Read the latency from the log itself and write its samples as a table; None if the log is not understood."""
    try:
        samples = read_log_samples(log, count)
        timing = _latency(attempt, samples)
    except LatencyInvalid:
        return None
    table.write_text(csv_of(samples), encoding="utf-8")
    return timing


def _latency(attempt: StepAttempt, samples: Samples) -> Latency:
    options = attempt.work.cell.run
    source = f"SNPEDiag at profiling level {ProfilingLevel.BASIC}"
    return latency(samples, options.warmups, options.perf_profile, source)


def _read_table(attempt: StepAttempt, table: Path, count: int) -> Latency:
    try:
        text = table.read_text(encoding="utf-8", errors="replace")
        return _latency(attempt, read_samples(text, count))
    except (OSError, LatencyInvalid) as error:
        printed = attempt.work.outputs[-1].read_text(encoding="utf-8", errors="replace")
        message = " ".join(filter(None, (f"{str(error).rstrip('.')}.", str(read_averages(printed) or ""))))
        raise StepFailed(FailureKind.LATENCY_MISSING, Step.LATENCY, message) from error
