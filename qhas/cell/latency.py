"""The pass that people may quote: op profiling off, warm-ups, repetitions, single times as the SDK writes them.

Process wall time is never a latency. Times come from the runtime's diagnostic log (`SNPEDiag*.log`), read by the
SDK's own `snpe-diagview` on this host.
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
    """Time the DLC's only graph, or this one alone: what others take is not its latency."""
    execution = await execute(
        attempt, device, prepared, inputs, ProfilingLevel.BASIC, graph.name if graph else None
    )
    log = fresh(attempt, execution, await execution.job.files(_DIAGNOSTICS), _DIAGNOSTICS)
    place = f"{graph.folder}/" if graph else ""
    copy = await bring(attempt, execution.job, log, f"{place}{PurePosixPath(log.name).name}")
    await execution.job.discard()
    samples = attempt.folder / place / SAMPLES
    await attempt.run_host_tool(attempt.work.lab.sdk.diagview_argv(log=copy, output=samples))
    return await asyncio.to_thread(_read, attempt, samples, inputs.inferences)


def _read(attempt: StepAttempt, samples: Path, count: int) -> Latency:
    options = attempt.work.cell.run
    try:
        text = samples.read_text(encoding="utf-8", errors="replace")
        source = f"SNPEDiag at profiling level {ProfilingLevel.BASIC}"
        return latency(read_samples(text, count), options.warmups, options.perf_profile, source)
    except (OSError, LatencyInvalid) as error:
        printed = attempt.work.outputs[-1].read_text(encoding="utf-8", errors="replace")
        message = " ".join(filter(None, (f"{str(error).rstrip('.')}.", str(read_averages(printed) or ""))))
        raise StepFailed(FailureKind.LATENCY_MISSING, Step.LATENCY, message) from error
