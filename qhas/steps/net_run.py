"""The profiled run on a device, and the collection of what it wrote.

A log that is missing, empty or older than the run is the run's failure: only another run, in another directory, can
mend it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qhas.devices import Device, Job, JobFile
from qhas.failures import FailureKind, Step, StepFailed
from qhas.inputs import INPUT_LIST, gather_inputs
from qhas.process import ToolNotExecutable
from qhas.steps.prepare import Prepared
from qhas.work import CellWork, StepAttempt

CONTAINER = "prepared.dlc"
LOGS = "profilelogs/qnn-profiling-data*.log"
OUTPUT = "output"
RESULTS = f"{OUTPUT}/Result_*/**/*"
_CLOCK_SLACK_SECONDS = 2.0
"""File systems round modification times; a stale log is older than this by far."""


@dataclass(frozen=True)
class ProfiledRun:
    """A run that ended well, its log and the outputs of its first inference on the device."""

    job: Job
    log: JobFile
    outputs: list[JobFile]


async def net_run(work: CellWork, prepared: Prepared, device: Device) -> ProfiledRun:
    """Execute the prepared graph with QHAS profiling in a fresh directory of the device. Raises StepFailed."""
    async with work.attempt(Step.NET_RUN) as attempt:
        work.device, work.origin = device.facts, device.origin
        inputs = await asyncio.to_thread(gather_inputs, work.cell.model, prepared.dlc, attempt.folder)
        job = await device.open_job()
        await job.stage(prepared.dlc, CONTAINER)
        await job.stage(inputs.list_file, INPUT_LIST)
        for name, file in inputs.files.items():
            await job.stage(file, name)
        began = await _execute(attempt, job)
        results = await job.files(RESULTS)
        _require_results(results, inputs.inferences)
        outputs = [file for file in results if file.name.startswith(f"{OUTPUT}/Result_0/")]
        return ProfiledRun(job, _fresh(await job.files(LOGS), began), outputs)


async def _execute(attempt: StepAttempt, job: Job) -> float:
    """Run the tool; the device's time just before."""
    lab, options = attempt.work.lab, attempt.work.cell.run
    argv = lab.sdk.net_run_argv(container=CONTAINER, input_list=INPUT_LIST, options=options)
    output = attempt.output()
    try:
        async with lab.cores:
            began = await job.now()
            run = await job.run(argv, output=output, timeout_seconds=options.timeout_seconds)
    except ToolNotExecutable as error:
        raise StepFailed(FailureKind.TOOL_MISSING, Step.NET_RUN, f"{error}.") from error
    attempt.judge(run, output)
    return began


def _require_results(files: list[JobFile], inferences: int) -> None:
    """Each inference leaves a folder of outputs, `output/Result_<n>`."""
    if (done := len({PurePosixPath(file.name).parts[1] for file in files})) < inferences:
        raise StepFailed(
            FailureKind.RESULTS_INCOMPLETE,
            Step.NET_RUN,
            f"Only {done} of {inferences} inferences left outputs.",
        )


def _fresh(logs: list[JobFile], began: float) -> JobFile:
    if not logs:
        raise StepFailed(FailureKind.LOG_MISSING, Step.NET_RUN, f"The run ended well but wrote no {LOGS}.")
    log = logs[0]
    if not log.size:
        raise StepFailed(FailureKind.LOG_EMPTY, Step.NET_RUN, f"{log.name} is empty.")
    if log.modified < began - _CLOCK_SLACK_SECONDS:
        age = began - log.modified
        raise StepFailed(
            FailureKind.LOG_STALE, Step.NET_RUN, f"{log.name} is {age:.0f} s older than the run."
        )
    return log


async def collect_logs(work: CellWork, run: ProfiledRun) -> Path:
    """Bring the profiling log and the outputs of the first inference to the host, whole. Raises StepFailed."""
    async with work.attempt(Step.LOGS) as attempt:
        for output in run.outputs:
            await _bring(run.job, output, attempt.folder / PurePosixPath(output.name).relative_to(OUTPUT))
        log = attempt.folder / PurePosixPath(run.log.name).name
        await _bring(run.job, run.log, log)
        return log


async def _bring(job: Job, file: JobFile, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    await job.fetch(file.name, target)
    _require_whole(file, target)


def _require_whole(file: JobFile, copy: Path) -> None:
    if (size := copy.stat().st_size) != file.size:
        message = f"{file.name} arrived with {size} of {file.size} bytes."
        raise StepFailed(FailureKind.TRANSFER_CUT, Step.LOGS, message)
