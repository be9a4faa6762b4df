"""The pass that people may quote: op profiling off, warm-ups, repetitions, single times as the SDK writes them.

Process wall time is never a latency. Times come from the runtime's diagnostic log (`SNPEDiag*.log`), read by the
SDK's own `snpe-diagview` on this host.
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath

from qhas.cell.artifacts import DIAGNOSTICS, SAMPLES
from qhas.cell.execution import bring, execute, fresh
from qhas.cell.inputs import repeated
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork, StepAttempt
from qhas.devices import Device
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.diagview import LatencyInvalid, latency, read_averages, read_samples
from qhas.profile.metrics import Latency
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
        samples = attempt.folder / SAMPLES
        await attempt.run_host_tool(work.lab.sdk.diagview_argv(log=copy, output=samples))
        work.latency = await asyncio.to_thread(_read, attempt, count)


def _read(attempt: StepAttempt, count: int) -> Latency:
    options = attempt.work.cell.run
    try:
        text = (attempt.folder / SAMPLES).read_text(encoding="utf-8", errors="replace")
        source = f"SNPEDiag at profiling level {ProfilingLevel.BASIC}"
        return latency(read_samples(text, count), options.warmups, options.perf_profile, source)
    except (OSError, LatencyInvalid) as error:
        printed = attempt.work.outputs[-1].read_text(encoding="utf-8", errors="replace")
        message = " ".join(filter(None, (f"{str(error).rstrip('.')}.", str(read_averages(printed) or ""))))
        raise StepFailed(FailureKind.LATENCY_MISSING, Step.LATENCY, message) from error
