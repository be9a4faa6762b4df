"""Conversion of a log and its schematic to a chrometrace and QHAS.

It needs no device, so it can be repeated from stored files.
"""

from __future__ import annotations

import asyncio
from fnmatch import fnmatch
from pathlib import Path

from qhas.cell.artifacts import CONFIG, PROFILING_LOG, RUNTRACE, TIMELINE, TRACE, expected_of
from qhas.cell.effective import with_profile
from qhas.cell.execution import bring
from qhas.cell.graphs import GraphWork
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork, StepAttempt
from qhas.devices import Device
from qhas.failures import FailureKind, Step, StepFailed
from qhas.machine.packing import write_renamed
from qhas.profile.dominant import dominant_path
from qhas.profile.metrics import metrics_of
from qhas.profile.notes import of_one_graph
from qhas.profile.picture import read_timeline
from qhas.profile.qhas_file import QhasFile, QhasInvalid, read_qhas
from qhas.profile.runtrace import Runtrace, RuntraceInvalid, read_runtrace
from qhas.profile.trace import TraceInvalid
from qhas.site.sdk import READER, Tool, viewer_config


async def generate_chrometrace(
    work: CellWork, prepared: Prepared, log: Path, device: Device | None = None
) -> None:
    """Run the viewer and check its output; the cell's metrics come from the QHAS. Raises StepFailed.

    For a DLC with several graphs, `log` is a folder with a subfolder for each graph's log, and each log is viewed. If
    a device is given, the viewer runs there, otherwise on this host. Damage to the chrometrace or to the QHAS summary
    fails the cell, but both are kept and published, and the figures of a good summary are kept whatever the state of
    the trace.
    """
    async with work.attempt(Step.CHROMETRACE) as attempt:
        if not prepared.graphs:
            await _view(attempt, work, log, prepared.schematic, "", device)
        for graph in prepared.graphs:
            (own,) = (log / graph.folder).glob(PROFILING_LOG)
            (attempt.folder / graph.folder).mkdir()
            await _view(attempt, graph, own, graph.schematic, graph.folder, device)


async def _view(
    attempt: StepAttempt,
    of: CellWork | GraphWork,
    log: Path,
    schematic: Path,
    folder: str,
    device: Device | None,
) -> None:
    """View one graph's log in a folder of the step, and record its figures in the cell or in the graph."""
    work, place = attempt.work, attempt.folder / folder
    config = place / CONFIG
    write_renamed(config, viewer_config(work.cell.trace).encode())
    if device:
        await _view_on_device(attempt, device, config, log, schematic, folder)
    else:
        argv = work.sdk.viewer_argv(config=config, log=log, schematic=schematic, output=place / TRACE)
        await attempt.run_host_tool(argv)
    await asyncio.to_thread(_read, attempt, of, folder)


def _read(attempt: StepAttempt, of: CellWork | GraphWork, folder: str) -> None:
    work = attempt.work
    trace = attempt.collect("chrometrace", folder=folder)["chrometrace"]
    file: QhasFile | None = None
    try:
        if summary := attempt.collect(folder=folder).get("qhas"):
            file = _read_summary(summary)
            of.metrics = metrics_of(file).model_copy(update=_of_prepare(work))
            if work.effective:
                work.effective = with_profile(work.effective, file)
    finally:
        of.runtrace, of.remarks = _read_runtrace(trace.with_name(RUNTRACE))
        clock = of.runtrace.clock_mhz if of.runtrace else None
        of.remarks += _check_trace(trace, file, clock)


def _of_prepare(work: CellWork) -> dict[str, float | None]:
    """Return the figures from preparing a DLC with one graph; if it has several, each one's share is unknown."""
    if work.prepared is None or work.graphs:
        return {}
    return {name: getattr(work.prepared, name) for name in ("context_bytes", "compile_seconds")}


async def _view_on_device(
    attempt: StepAttempt, device: Device, config: Path, log: Path, schematic: Path, folder: str
) -> None:
    """Run the device's own viewer with the reader library beside it, and copy its files to this host."""
    job = await device.open_job()
    for source in (config, log, schematic):
        await job.stage(source, f"inputs/{source.name}")
    argv = attempt.work.sdk.viewer_argv(
        config=f"inputs/{config.name}",
        log=f"inputs/{log.name}",
        schematic=f"inputs/{schematic.name}",
        output=TRACE,
        program=Tool.PROFILE_VIEWER,
        reader=device.library(READER),
    )
    run = await attempt.run_device_tool(job, argv, timeout_seconds=attempt.work.cell.run.timeout_seconds)
    await asyncio.to_thread(attempt.judge_device_tool, run)
    patterns = [spec.pattern for spec in expected_of(Step.CHROMETRACE)]
    for file in await job.files("*"):
        if any(fnmatch(file.name, pattern) for pattern in patterns):
            await bring(attempt, job, file, f"{folder}/{file.name}" if folder else file.name)


def _read_runtrace(path: Path) -> tuple[Runtrace | None, list[str]]:
    """Read the runtrace, if there is one, or say what is wrong with it: damage costs its figures, not the cell."""
    if not path.is_file():
        return None, []
    try:
        return read_runtrace(path), []
    except RuntraceInvalid as error:
        return None, [f"{error}."]


def _check_trace(path: Path, file: QhasFile | None, clock: float | None = None) -> list[str]:
    """Check the trace and, in the same pass, draw the picture for reports, using the summary if there is one.

    Returns a sentence for each value of the trace that is not valid JSON.
    """
    try:
        picture = read_timeline(path, dominant_path(file) if file else (), clock)
        if file and not of_one_graph(picture.end_cycle, file):
            picture = read_timeline(path, (), clock)  # the path belongs to another graph
    except TraceInvalid as error:
        raise StepFailed(FailureKind.TRACE_INVALID, Step.CHROMETRACE, f"{error}.") from error
    write_renamed(path.with_name(TIMELINE), picture.model_dump_json().encode())
    return [f"{path.name} {remark}." for remark in picture.remarks]


def _read_summary(path: Path) -> QhasFile:
    try:
        return read_qhas(path)
    except QhasInvalid as error:
        raise StepFailed(FailureKind.QHAS_INVALID, Step.CHROMETRACE, f"{error}.") from error
