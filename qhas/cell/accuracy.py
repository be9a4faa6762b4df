"""Comparison of a cell's outputs with those that ONNX Runtime computes from its ONNX and the same inputs.

The inferences compared are the first ones of the input list, run on the emulator or on the device. A cell whose
outputs cannot be compared is still good: its record says why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qhas.accuracy.names import matched
from qhas.cell.calibration import settled
from qhas.cell.dlc import PreparedGraph, prepared_graphs
from qhas.cell.feeds import feeds_of
from qhas.cell.inputs import StagedInputs
from qhas.cell.outputs import compared_inferences
from qhas.cell.prepare import Prepared
from qhas.cell.reference import reference_outputs, runtime
from qhas.cell.work import CellWork
from qhas.failures import FailureKind, Step, StepFailed
from qhas.lab.models import Source
from qhas.network.onnx_file import OnnxGraph, OnnxTensor, read_onnx
from qhas.profile.accuracy import accuracy_of
from qhas.site.sdk import SdkKind
from qhas.sweep.spec import ModelRef

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from qhas.accuracy.pooled import PooledOutput


def is_asked_for(model: ModelRef) -> bool:
    """Whether there is an ONNX to compare the outputs with, and the sweep does not switch the comparison off."""
    return model.accuracy and bool(model.onnx or model.reference)


def hindrance(work: CellWork) -> str:
    """Return why no accuracy can be measured for a cell that has run; empty if it can."""
    if not work.executes:
        return "nothing was executed (inputs: none)"
    if work.graphs:
        return f"the DLC has {len(work.graphs)} graphs, but the ONNX only one"
    if runtime() is None:
        return "ONNX Runtime is not installed: pip install onnxruntime"
    return ""


async def measure_accuracy(work: CellWork, prepared: Prepared) -> None:
    """Record how close the outputs of the cell's inferences are to the ONNX's. Raises StepFailed."""
    async with work.attempt(Step.ACCURACY) as attempt:
        onnx = await reference_of(work)
        try:
            network = await network_of(work, onnx, prepared)
            count = await compared_inferences(work, prepared)
            feeds = [partial(network.feed, number) for number in range(count)]
            reference = await reference_outputs(attempt, onnx, feeds)
            outputs = await asyncio.to_thread(_pooled, network, reference, _results(work, count))
        except ValueError as error:
            raise StepFailed(FailureKind.OUTPUTS_UNLIKE, attempt.step, f"{error!s}.") from error
        listed = (await work.inputs(prepared.dlc)).inferences
        work.accuracy = accuracy_of(
            [output.accuracy for output in outputs],
            outputs[0].best_classes if len(outputs) == 1 else None,
            onnx.sha256,
            runtime() or "",
            inferences=count,
            listed=listed if listed > count else None,
        )


def _results(work: CellWork, count: int) -> list[Path]:
    """Return the folders of outputs, one per inference."""
    first = [work.folders[Step.LOGS] / "Result_0"]
    return first + [work.folders[Step.OUTPUTS] / f"Result_{number}" for number in range(count - 1)]


@dataclass(frozen=True)
class ReferenceNetwork:
    """The ONNX that a cell is compared with, and the cell's graph as it is on the HTP."""

    inputs: StagedInputs
    wanted: Mapping[OnnxTensor, tuple[int, ...] | None]
    outputs: list[str]
    computed: list[str]
    """Those of `outputs` that nodes compute from inputs: a DLC may not give out constants or inputs themselves."""
    on_htp: PreparedGraph
    moved: bool

    def feed(self, inference: int) -> dict[str, NDArray[Any]]:
        """Return the inputs of an inference in the ONNX's form. Raises ValueError if they do not fit the ONNX."""
        return feeds_of(self.inputs, self.on_htp.inputs, self.wanted, moved=self.moved, inference=inference)


async def network_of(work: CellWork, onnx: Source, prepared: Prepared) -> ReferenceNetwork:
    """Return the network that the cell is compared with.

    Raises ValueError if the file is not an ONNX, StepFailed if the inputs cannot be obtained.
    """
    inputs = await work.inputs(prepared.dlc)
    graph, on_htp = await asyncio.to_thread(_described, onnx.path, prepared.dlc)
    wanted = {tensor: _shape(work.cell.model, tensor) for tensor in graph.inputs}
    names = [tensor.name for tensor in graph.outputs]
    return ReferenceNetwork(
        inputs, wanted, names, graph.computed_outputs, on_htp, work.sdk.kind is SdkKind.VENDOR
    )


async def reference_of(work: CellWork) -> Source:
    """Return the ONNX that the cell is compared with. Raises StepFailed."""
    try:
        source, _ = await work.lab.model(work.cell.model.of_reference())
    except StepFailed as error:
        raise StepFailed(error.failure.kind, Step.ACCURACY, error.failure.message) from error
    return source


def _shape(model: ModelRef, tensor: OnnxTensor) -> tuple[int, ...] | None:
    """Return the input's shape; None if neither the ONNX nor the sweep settles it: it is then as on the HTP."""
    return None if tensor.is_open and tensor.name not in model.shapes else settled(model, tensor)


def _described(onnx: Path, dlc: Path) -> tuple[OnnxGraph, PreparedGraph]:
    return read_onnx(onnx), prepared_graphs(dlc)[0]


def _pooled(network: ReferenceNetwork, reference: Path, folders: Sequence[Path]) -> list[PooledOutput]:
    """Compare each output over all inferences. Raises ValueError if the outputs are not the ONNX's."""
    import numpy as np

    from qhas.accuracy.pooled import PooledOutput

    present = _files(folders[0], network.outputs, network.computed)
    shapes = matched(present, network.on_htp.output_shapes) or {}
    pooled = [PooledOutput(name, shapes.get(name)) for name in present]
    with np.load(reference, allow_pickle=False) as stored:
        for inference, folder in enumerate(folders):
            files = _files(folder, network.outputs, network.computed)
            for output in pooled:
                place = inference * len(network.outputs) + network.outputs.index(output.name)
                output.add(stored[f"arr_{place}"], np.fromfile(files[output.name], np.uint8))
    return pooled


def _files(folder: Path, names: Sequence[str], computed: Sequence[str]) -> dict[str, Path]:
    """Return the output files by the ONNX's names: all of `names`, or else those in `computed`.

    Raises ValueError if the files match neither.
    """
    files = {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.raw"))}
    if not files:
        raise ValueError("the run wrote no outputs")
    for wanted in (names, computed):
        if wanted and (files_by_name := matched(wanted, files)):
            return files_by_name
    raise ValueError(
        f"the outputs of the run are {', '.join(files)}, but those of the ONNX are {', '.join(names)}"
    )
