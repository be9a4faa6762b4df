"""Explanation of what bounds a cell's network, if its sweep requests it, by experiments on the simulator.

It is kept beside the cell's own figures. Each experiment is a compilation, stored by content, so a repeated sweep
makes none. The host SDK makes them, even for a cell measured on a device.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from qhas.cell.artifacts import EXPLANATION
from qhas.cell.estimate import host_sdk
from qhas.cell.prepare import source_of
from qhas.cell.work import CellWork
from qhas.estimate.trial import Subject
from qhas.failures import FailureKind, InvalidInput, Step, StepFailed
from qhas.machine.packing import write_renamed
from qhas.outside_text import shown
from qhas.site.sdk import Sdk, SdkKind

if TYPE_CHECKING:
    from qhas.explain.model import Explanation


async def explain_too(work: CellWork) -> None:
    """Write the explanation to the step's directory. Raises StepFailed, which does not fail the cell."""
    async with work.attempt(Step.EXPLAIN) as attempt:
        dlc, digest = await source_of(work)
        try:
            sdk = work.sdk if work.sdk.kind is SdkKind.HOST else await asyncio.to_thread(host_sdk)
            answer = await _explained(work, Subject(dlc, digest, work.cell.soc), sdk, attempt.folder)
        except InvalidInput as error:
            raise StepFailed(FailureKind.EXPLANATION_MISSING, Step.EXPLAIN, shown(str(error))) from error
        target = attempt.folder / EXPLANATION
        await asyncio.to_thread(write_renamed, target, answer.model_dump_json().encode())


async def _explained(work: CellWork, subject: Subject, sdk: Sdk, folder: Path) -> Explanation:
    from qhas.estimate.bench import Bench
    from qhas.estimate.estimator import open_estimator
    from qhas.explain.explain import explain

    async with work.lab.cores.turn(work.urgency):
        with open_estimator(sdk, work.lab.store, cores=1) as estimator:
            bench = Bench(work.cell.model.name, subject, estimator, work.lab.store, folder)
            return await asyncio.to_thread(explain, bench, work.cell.prepare)
