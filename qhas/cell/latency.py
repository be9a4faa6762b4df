"""The pass that people may quote: op profiling off, warm-ups, repetitions, single times as the SDK writes them.

Process wall time is never a latency. Times come from the runtime's diagnostic log (`SNPEDiag*.log`); one that cannot be
read here is read by the SDK's own `snpe-diagview`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

from qhas.cell.artifacts import DIAGNOSTICS, SAMPLES
from qhas.cell.execution import bring, execute, fresh
from qhas.cell.inputs import repeated
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
    """Time single inferences. On a simulator there is nothing to time. Raises StepFailed."""
    options = work.cell.run
    if device.origin is Origin.SIMULATOR or not options.repetitions:
        return
    async with work.attempt(Step.LATENCY) as attempt:
        count = options.warmups + options.repetitions
        inputs = repeated(await work.inputs(prepared.dlc), count, attempt.folder)
        execution = await execute(attempt, device, prepared, inputs, ProfilingLevel.BASIC)
        log = fresh(attempt, execution, await execution.job.files(_DIAGNOSTICS), _DIAGNOSTICS)
        copy = await bring(attempt, execution.job, log, PurePosixPath(log.name).name)
        await execution.job.discard()
        work.latency = await asyncio.to_thread(_read_log, attempt, copy, count)
        if work.latency is None:
            samples = attempt.folder / SAMPLES
            await attempt.run_host_tool(work.lab.sdk.diagview_argv(log=copy, output=samples))
            work.latency = await asyncio.to_thread(_read_table, attempt, count)


def _read_log(attempt: StepAttempt, log: Path, count: int) -> Latency | None:
    """The latency as the log itself tells it, its samples kept as a table; None for a log that is not understood."""
    try:
        samples = read_log_samples(log, count)
        found = _latency(attempt, samples)
    except LatencyInvalid:
        return None
    (attempt.folder / SAMPLES).write_text(csv_of(samples), encoding="utf-8")
    return found


def _latency(attempt: StepAttempt, samples: Samples) -> Latency:
    options = attempt.work.cell.run
    source = f"SNPEDiag at profiling level {ProfilingLevel.BASIC}"
    return latency(samples, options.warmups, options.perf_profile, source)


def _read_table(attempt: StepAttempt, count: int) -> Latency:
    try:
        text = (attempt.folder / SAMPLES).read_text(encoding="utf-8", errors="replace")
        return _latency(attempt, read_samples(text, count))
    except (OSError, LatencyInvalid) as error:
        printed = attempt.work.outputs[-1].read_text(encoding="utf-8", errors="replace")
        message = " ".join(filter(None, (f"{str(error).rstrip('.')}.", str(read_averages(printed) or ""))))
        raise StepFailed(FailureKind.LATENCY_MISSING, Step.LATENCY, message) from error
