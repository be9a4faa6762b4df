"""The profiled run on a device, and the collection of what it wrote.

A log that is missing, empty or older than the run is the run's failure: only another run, in another directory, can
mend it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qhas.cell.artifacts import PROFILING_LOG
from qhas.cell.execution import bring, execute, fresh
from qhas.cell.inputs import repeated
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork
from qhas.devices import Device, Job, JobFile
from qhas.failures import Step
from qhas.site.sdk import OUTPUT, ProfilingLevel

PROFILED_INFERENCES = 2
"""Trace and QHAS show the first one; the second, warm one stands beside it in the runtrace. More only swell the log."""
LOGS = f"profilelogs/{PROFILING_LOG}"


@dataclass(frozen=True)
class ProfiledRun:
    """A run that ended well, its log and the outputs of its first inference on the device."""

    job: Job
    log: JobFile
    outputs: list[JobFile]


async def net_run(work: CellWork, prepared: Prepared, device: Device) -> ProfiledRun:
    """Execute the prepared graph with QHAS profiling in a fresh directory of the device. Raises StepFailed."""
    async with work.attempt(Step.NET_RUN) as attempt:
        given = await work.inputs(prepared.dlc)
        inputs = repeated(given, min(given.inferences, PROFILED_INFERENCES), attempt.folder)
        execution = await execute(attempt, device, prepared, inputs, ProfilingLevel.QHAS)
        log = fresh(attempt, execution, await execution.job.files(LOGS), LOGS)
        outputs = [file for file in execution.results if file.name.startswith(f"{OUTPUT}/Result_0/")]
        return ProfiledRun(execution.job, log, outputs)


async def collect_logs(work: CellWork, run: ProfiledRun, device: Device) -> Path:
    """Bring the profiling log and the outputs of the first inference to the host, whole. Raises StepFailed."""
    async with work.attempt(Step.LOGS) as attempt:
        for output in run.outputs:
            await bring(attempt, run.job, output, output.name.removeprefix(f"{OUTPUT}/"))
        log = await bring(attempt, run.job, run.log, PurePosixPath(run.log.name).name)
        await work.note_health_after(device)
        return log
