"""Outputs of a list's inferences after the first, for the cell's accuracy: run without op profiling."""

from __future__ import annotations

from qhas.cell.emulated import execute_once
from qhas.cell.execution import bring
from qhas.cell.inputs import repeated
from qhas.cell.prepare import Prepared
from qhas.cell.work import CellWork
from qhas.devices import Device
from qhas.failures import FailureKind, Step, StepFailed
from qhas.site.sdk import OUTPUT, ProfilingLevel


async def compared_inferences(work: CellWork, prepared: Prepared) -> int:
    """Return how many inferences of the list the cell's accuracy covers. Raises StepFailed."""
    return min((await work.inputs(prepared.dlc)).inferences, work.cell.model.accuracy_inputs)


async def run_other_inputs(work: CellWork, prepared: Prepared, device: Device) -> None:
    """Run the compared inferences that the profiled run leaves out, and copy their outputs. Raises StepFailed.

    The outputs of the second inference are in `Result_0`.
    """
    async with work.attempt(Step.OUTPUTS) as attempt:
        others = await compared_inferences(work, prepared) - 1
        inputs = repeated(await work.inputs(prepared.dlc), others, attempt.folder, start=1)
        try:
            execution = await execute_once(attempt, device, prepared, inputs, ProfilingLevel.BASIC)
        except StepFailed as error:
            if error.failure.kind is FailureKind.TOOL_TIMED_OUT:
                raise StepFailed(error.failure.kind, attempt.step, _too_slow(work, others)) from error
            raise
        for output in execution.results:
            await bring(attempt, execution.job, output, output.name.removeprefix(f"{OUTPUT}/"))
        await execution.job.discard()


def _too_slow(work: CellWork, others: int) -> str:
    return (
        f"{others} inferences took longer than {work.cell.run.timeout_seconds} s: request fewer with `accuracy_inputs`, or "
        "raise `timeout_seconds`."
    )
