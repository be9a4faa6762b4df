"""Estimate of a measured cell, if the site requests it: a pair for the lab's own table (`qhas truth`).

The estimate is kept beside the device's figures in the record and is not one of them. A cell without one is still
good.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from pydantic import ValidationError

from qhas.cell.prepare import source_of
from qhas.cell.work import CellWork
from qhas.documents import Stored
from qhas.estimate.model import Estimate, GraphEstimate
from qhas.estimate.trial import Subject, Trial
from qhas.failures import InvalidInput, StepFailed
from qhas.machine.process import ToolNotExecutable, run_tool
from qhas.outside_text import shown
from qhas.profile.origin import Origin
from qhas.runs.record import OwnEstimate
from qhas.site import SdkRef
from qhas.site.sdk import Sdk, Tool, find_sdk, host_sdk_root

_LARGEST_ANSWER = 1 << 20


class _Answer(Stored):
    graphs: tuple[GraphEstimate, ...] = ()
    refusal: str = ""


async def estimate_too(work: CellWork) -> None:
    """Record the simulator's estimate, or why there is none, for cells of devices at sites that request it."""
    if not work.lab.site.estimate or work.origin is not Origin.DEVICE:
        return
    try:
        sdk = await asyncio.to_thread(host_sdk)
        work.estimated = await _estimated(work, sdk)
    except (InvalidInput, StepFailed, ToolNotExecutable, OSError, ValueError) as error:
        work.estimated = OwnEstimate(why=shown(str(error)))


def host_sdk() -> Sdk:
    """Return the host SDK of this interpreter, regardless of the site's own SDK. Raises InvalidInput."""
    return find_sdk(SdkRef(root=host_sdk_root()), {})


async def _estimated(work: CellWork, sdk: Sdk) -> OwnEstimate:
    folder = work.directory / "estimate"
    folder.mkdir(parents=True, exist_ok=True)
    dlc, digest = await source_of(work)
    question, answer = folder / "question.json", folder / "answer.json"
    trial = Trial(Subject(dlc, digest, work.cell.soc), work.cell.prepare)
    question.write_text(json.dumps(trial.request()) + "\n", encoding="utf-8")
    async with work.lab.cores.turn(work.urgency):
        run = await run_tool(
            [str(sdk.tool(Tool.ESTIMATE))],
            cwd=folder,
            env=sdk.environment(),
            output=answer,
            errors=folder / "errors.txt",
            stdin=question,
            timeout_seconds=work.cell.run.timeout_seconds,
        )
    if run.exit_code:
        return OwnEstimate(sdk=sdk.version, why=f"the simulator ended with exit code {run.exit_code}.")
    return await asyncio.to_thread(_read, answer, sdk.version)


def _read(answer: Path, version: str) -> OwnEstimate:
    with answer.open("rb") as file:
        content = file.read(_LARGEST_ANSWER)
    try:
        estimated = _Answer.model_validate_json(content)
    except ValidationError:
        return OwnEstimate(sdk=version, why="the simulator's answer cannot be read.")
    if len(estimated.graphs) != 1:
        why = (
            estimated.refusal or f"the DLC has {len(estimated.graphs)} graphs, but only one can be estimated."
        )
        return OwnEstimate(sdk=version, why=shown(why))
    estimate = Estimate(graphs=estimated.graphs)
    lower, upper = estimate.interval_us or (None, None)
    return OwnEstimate(
        sdk=version,
        simulated_us=estimate.time_us,
        lower_us=lower,
        upper_us=upper,
        ops_without_cost=estimate.graphs[0].ops_without_cost,
    )
