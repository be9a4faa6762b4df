"""One run of net-run in a fresh directory of a device, whatever it is meant to measure."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qhas.cell.artifacts import DEVICE_LOG, PREPARED_DLC, PROFILING_LOG
from qhas.cell.inputs import INPUT_LIST, StagedInputs
from qhas.cell.prepare import Prepared
from qhas.cell.work import StepAttempt
from qhas.devices import Device, Job, JobFile
from qhas.failures import FailureKind, StepFailed
from qhas.machine.packing import partial_of
from qhas.naming import below
from qhas.site.sdk import OUTPUT, ProfilingLevel

LOGS = f"profilelogs/{PROFILING_LOG}"
_RESULT = "Result_"
_RESULTS = f"{OUTPUT}/{_RESULT}*/**/*"
_RESULTS_OF_GRAPHS = f"{OUTPUT}/*/{_RESULT}*/**/*"
_CLOCK_SLACK_SECONDS = 2.0
"""Allowance for file systems that round modification times; a stale file is far older than this."""


@dataclass(frozen=True)
class Execution:
    """A run that succeeded, and when it began by the device's clock."""

    job: Job
    began: float
    results: list[JobFile]


async def execute(
    attempt: StepAttempt,
    device: Device,
    prepared: Prepared,
    inputs: StagedInputs | None,
    level: ProfilingLevel,
    graph: str | None = None,
) -> Execution:
    """Run every inference of the list, for every graph or for one. Raises StepFailed unless each left its outputs.

    Without inputs nothing is executed, and the log contains only the simulator's timeline.
    """
    job = await device.open_job()
    await job.stage(prepared.dlc, PREPARED_DLC)
    for name, file in staged(inputs).items():
        await job.stage(file, name)
    began = await job.now()
    run = await attempt.run_device_tool(
        job,
        argv_of(attempt, inputs, level, graph),
        timeout_seconds=attempt.work.cell.run.timeout_seconds,
    )
    await device.log_since(began, device_log := attempt.folder / DEVICE_LOG)
    await asyncio.to_thread(attempt.judge_device_tool, run, device_log)
    return await ended(attempt, job, began, inputs)


def argv_of(
    attempt: StepAttempt, inputs: StagedInputs | None, level: ProfilingLevel, graph: str | None = None
) -> list[str]:
    """Return the command line of net-run in a job's directory."""
    return attempt.work.sdk.net_run_argv(
        container=PREPARED_DLC,
        input_list=",".join(_list_names(len(inputs.lists))) if inputs else "",
        options=attempt.work.cell.run,
        level=level,
        native_inputs=bool(inputs and inputs.native),
        graph=graph,
    )


def staged(inputs: StagedInputs | None) -> dict[str, Path]:
    """Return the files that a run reads besides its DLC, by their names in its directory."""
    if inputs is None:
        return {}
    return dict(zip(_list_names(len(inputs.lists)), inputs.lists, strict=True)) | inputs.files


async def ended(attempt: StepAttempt, job: Job, began: float, inputs: StagedInputs | None) -> Execution:
    """Collect the results in a run's directory. Raises StepFailed unless each inference left its outputs."""
    lists = len(inputs.lists) if inputs else 0
    results = await job.files(_RESULTS)
    if lists > 1:
        results += await job.files(_RESULTS_OF_GRAPHS)
    _require_results(attempt, results, inputs.inferences * lists if inputs else 0)
    return Execution(job, began, results)


def _list_names(count: int) -> list[str]:
    name = PurePosixPath(INPUT_LIST)
    return [INPUT_LIST, *(f"{name.stem}_{number}{name.suffix}" for number in range(1, count))]


def result_folder(file: JobFile) -> PurePosixPath:
    """Return one inference's output folder: `output/Result_<n>`, or `output/<graph>/Result_<n>` of several graphs."""
    path = PurePosixPath(file.name)
    return next(each for each in reversed(path.parents) if each.name.startswith(_RESULT))


def _require_results(attempt: StepAttempt, files: list[JobFile], inferences: int) -> None:
    if (done := len({result_folder(file) for file in files})) < inferences:
        raise StepFailed(
            FailureKind.RESULTS_INCOMPLETE,
            attempt.step,
            f"Only {done} of {inferences} inferences wrote outputs.",
        )


def fresh(attempt: StepAttempt, execution: Execution, logs: list[JobFile], pattern: str) -> JobFile:
    """Return the first file found for the pattern. Raises StepFailed if it is missing, empty or older than the run."""
    if not logs:
        raise StepFailed(FailureKind.LOG_MISSING, attempt.step, f"The run succeeded but wrote no {pattern}.")
    require_fresh(attempt, execution, logs[0])
    return logs[0]


def require_fresh(attempt: StepAttempt, execution: Execution, log: JobFile) -> None:
    """Raise StepFailed if the log is empty or older than the run."""
    if not log.size:
        raise StepFailed(FailureKind.LOG_EMPTY, attempt.step, f"{log.name} is empty.")
    if log.modified < execution.began - _CLOCK_SLACK_SECONDS:
        age = execution.began - log.modified
        raise StepFailed(
            FailureKind.LOG_STALE, attempt.step, f"{log.name} is {age:.0f} s older than the run."
        )


async def bring(attempt: StepAttempt, job: Job, file: JobFile, name: str) -> Path:
    """Copy a file of the run into the step's directory, under a relative name. Raises StepFailed if it is incomplete.

    Whatever a device sends, the copy is a regular file inside that directory, and gets its name only once it is
    complete.
    """
    partial: Path | None = None
    try:
        target = below(attempt.folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = partial_of(target)
        await job.fetch(file.name, partial)
        facts = os.lstat(below(attempt.folder, str(partial.relative_to(attempt.folder))))
        _require_whole(attempt, file, facts)
        partial.rename(target)
    except (ValueError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        message = f"{file.name} cannot be fetched: {error}."
        raise StepFailed(FailureKind.DEVICE_UNFIT, attempt.step, message) from error
    finally:
        if partial:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
    return target


def _require_whole(attempt: StepAttempt, file: JobFile, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        message = f"{file.name} did not arrive as a file."
        raise StepFailed(FailureKind.TRANSFER_CUT, attempt.step, message)
    if facts.st_size != file.size:
        message = f"{file.name} arrived with {facts.st_size} of {file.size} bytes."
        raise StepFailed(FailureKind.TRANSFER_CUT, attempt.step, message)
