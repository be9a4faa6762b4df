"""The profiled run on a device, and the collection of the files it wrote.

A log that is missing, empty or older than the run is the run's failure: only another run, in another directory, can
fix it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from qhas.cell.artifacts import PROFILING_LOG
from qhas.cell.emulated import execute_once
from qhas.cell.execution import LOGS, Execution, bring, fresh, require_fresh, result_folder
from qhas.cell.graphs import paired
from qhas.cell.inputs import repeated
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork, StepAttempt
from qhas.devices import Device, Job, JobFile
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.origin import Origin
from qhas.site.sdk import OUTPUT, ProfilingLevel

_PROFILED = {Origin.DEVICE: 2, Origin.SIMULATOR: 1}
"""Inferences of a run.

The trace and QHAS show the first one; on a device, the second, warm one appears beside it in the runtrace, and more
would only swell the log. A simulator has no warm one: its times are those of the compiled graph, and the emulator
computes only outputs.
"""


@dataclass(frozen=True)
class ProfiledRun:
    """A run that succeeded, its log and the outputs of its first inference on the device.

    With several graphs, `logs` holds each graph's log by the graph's folder, and `log` is one of them.
    """

    job: Job
    log: JobFile
    outputs: list[JobFile]
    logs: Mapping[str, JobFile] = field(default_factory=dict)


async def net_run(work: CellWork, prepared: Prepared, device: Device) -> ProfiledRun:
    """Execute the prepared graph with QHAS profiling in a fresh directory of the device. Raises StepFailed."""
    async with work.attempt(Step.NET_RUN) as attempt:
        inputs = None
        if work.executes:
            source = await work.inputs(prepared.dlc)
            inputs = repeated(source, min(source.inferences, _PROFILED[device.origin]), attempt.folder)
        execution = await execute_once(attempt, device, prepared, inputs, ProfilingLevel.QHAS)
        candidates = await execution.job.files(LOGS)
        log = fresh(attempt, execution, candidates, LOGS)
        outputs = [file for file in execution.results if result_folder(file).name == "Result_0"]
        logs = _logs_of(attempt, execution, prepared, candidates) if prepared.graphs else {}
        return ProfiledRun(execution.job, log, outputs, logs)


def _logs_of(
    attempt: StepAttempt, execution: Execution, prepared: Prepared, candidates: list[JobFile]
) -> dict[str, JobFile]:
    """Return each graph's log by the graph's folder. Raises StepFailed unless each graph has its own."""
    names = [graph.name for graph in prepared.graphs]
    before, _, after = PROFILING_LOG.partition("*")
    tags = {PurePosixPath(file.name).name: file for file in candidates}
    logs = paired(
        names, {tag.removeprefix(before).removesuffix(after).lstrip("_-"): file for tag, file in tags.items()}
    )
    if logs is None:
        message = f"The run covers {len(names)} graphs ({', '.join(names)}) but wrote these logs: {', '.join(tags)}."
        raise StepFailed(FailureKind.LOG_MISSING, attempt.step, message)
    for log in logs:
        require_fresh(attempt, execution, log)
    return {graph.folder: log for graph, log in zip(prepared.graphs, logs, strict=True)}


async def collect_logs(work: CellWork, run: ProfiledRun, device: Device) -> Path:
    """Copy the profiling log and the outputs of the first inference to the host, complete. Raises StepFailed.

    Returns the log, or with several graphs a folder with a subfolder for each graph's log.
    """
    async with work.attempt(Step.LOGS) as attempt:
        folders = {graph.name: graph.folder for graph in work.graphs}
        for output in run.outputs:
            name = output.name.removeprefix(f"{OUTPUT}/")
            graph, _, rest = name.partition("/")
            await bring(attempt, run.job, output, f"{folders[graph]}/{rest}" if graph in folders else name)
        for folder, log in run.logs.items():
            await bring(attempt, run.job, log, f"{folder}/{PurePosixPath(log.name).name}")
        brought = attempt.folder
        if not run.logs:
            brought = await bring(attempt, run.job, run.log, PurePosixPath(run.log.name).name)
        await work.note_health_after(device)
        return brought
