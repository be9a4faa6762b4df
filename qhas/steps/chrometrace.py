"""Log and schematic to chrometrace and QHAS. Needs no device, so it can run again from stored files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from qhas.artifacts import TRACE
from qhas.failures import FailureKind, Step, StepFailed
from qhas.sdk import viewer_config
from qhas.steps.prepare import Prepared
from qhas.summary import Metrics, QhasInvalid, read_summary
from qhas.trace import TraceInvalid, check_trace
from qhas.work import CellWork

CONFIG = "config.json"


async def generate_chrometrace(work: CellWork, prepared: Prepared, log: Path) -> None:
    """Run the viewer and check what it wrote; the cell's metrics come from the QHAS. Raises StepFailed.

    A QHAS summary that is damaged fails the cell, but the chrometrace beside it is kept and published.
    """
    async with work.attempt(Step.CHROMETRACE) as attempt:
        config = attempt.folder / CONFIG
        config.write_text(viewer_config(work.cell.trace), encoding="utf-8")
        argv = work.lab.sdk.viewer_argv(
            config=config, log=log, schematic=prepared.schematic, output=attempt.folder / TRACE
        )
        await attempt.run_host_tool(argv)
        await asyncio.to_thread(_check_trace, attempt.collect("chrometrace")["chrometrace"])
        if summary := attempt.collect().get("qhas"):
            work.metrics = await asyncio.to_thread(_read_summary, summary)


def _check_trace(path: Path) -> None:
    try:
        check_trace(path)
    except TraceInvalid as error:
        raise StepFailed(FailureKind.TRACE_INVALID, Step.CHROMETRACE, f"{error}.") from error


def _read_summary(path: Path) -> Metrics:
    try:
        return read_summary(path)
    except QhasInvalid as error:
        raise StepFailed(FailureKind.QHAS_INVALID, Step.CHROMETRACE, f"{error}.") from error
