"""A cell's outputs held against what ONNX Runtime computes of its ONNX from the same inputs.

They are those of the input list's first inferences, on the emulator or on the device. A cell that cannot be held against its ONNX is as
good without: its record says why.
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
    """Whether there is an ONNX to hold the outputs against, and nobody has said that it is not to be."""
    return model.accuracy and bool(model.onnx or model.reference)


def hindrance(work: CellWork) -> str:
    """Why no accuracy can be had of a cell that has run; empty where it can."""
    if not work.executes:
        return "nothing was executed (inputs: none)"
    if work.graphs:
        return f"the DLC has {len(work.graphs)} graphs, and the ONNX is one"
    if runtime() is None:
        return "ONNX Runtime is not installed: pip install onnxruntime"
    return ""


async def measure_accuracy(work: CellWork, prepared: Prepared) -> None:
    """Note how near the outputs of the cell's inferences are to the ONNX's. Raises StepFailed."""
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
    """Folders of outputs, one an inference."""
    first = [work.folders[Step.LOGS] / "Result_0"]
    return first + [work.folders[Step.OUTPUTS] / f"Result_{number}" for number in range(count - 1)]


@dataclass(frozen=True)
class ReferenceNetwork:
    """The ONNX that a cell is held against, beside the cell's graph as it is on the HTP."""

    inputs: StagedInputs
    wanted: Mapping[OnnxTensor, tuple[int, ...] | None]
    outputs: list[str]
    computed: list[str]
    """Of these, what nodes compute from inputs: constants and inputs themselves may be no outputs of a DLC."""
    on_htp: PreparedGraph
    moved: bool

    def feed(self, inference: int) -> dict[str, NDArray[Any]]:
        """The inputs of an inference as the ONNX takes them. Raises ValueError for inputs that are not the ONNX's."""
        return feeds_of(self.inputs, self.on_htp.inputs, self.wanted, moved=self.moved, inference=inference)


async def network_of(work: CellWork, onnx: Source, prepared: Prepared) -> ReferenceNetwork:
    """What the cell is held against. Raises ValueError for what is no ONNX, StepFailed for inputs that cannot be had."""
    inputs = await work.inputs(prepared.dlc)
    graph, on_htp = await asyncio.to_thread(_described, onnx.path, prepared.dlc)
    wanted = {tensor: _shape(work.cell.model, tensor) for tensor in graph.inputs}
    names = [tensor.name for tensor in graph.outputs]
    return ReferenceNetwork(
        inputs, wanted, names, graph.computed_outputs, on_htp, work.sdk.kind is SdkKind.VENDOR
    )


async def reference_of(work: CellWork) -> Source:
    """The ONNX that the cell is held against. Raises StepFailed."""
    try:
        source, _ = await work.lab.model(work.cell.model.of_reference())
    except StepFailed as error:
        raise StepFailed(error.failure.kind, Step.ACCURACY, error.failure.message) from error
    return source


def _shape(model: ModelRef, tensor: OnnxTensor) -> tuple[int, ...] | None:
    """None where neither the ONNX nor the sweep tells it: then it is as the run had it."""
    return None if tensor.is_open and tensor.name not in model.shapes else settled(model, tensor)


def _described(onnx: Path, dlc: Path) -> tuple[OnnxGraph, PreparedGraph]:
    return read_onnx(onnx), prepared_graphs(dlc)[0]


def _pooled(network: ReferenceNetwork, reference: Path, folders: Sequence[Path]) -> list[PooledOutput]:
    """Raises ValueError for outputs that are not the ONNX's."""
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
    """By all the names, or by those of computed ones alone. Raises ValueError where they are neither."""
    files = {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.raw"))}
    if not files:
        raise ValueError("the run left no outputs")
    for wanted in (names, computed):
        if wanted and (files_by_name := matched(wanted, files)):
            return files_by_name
    raise ValueError(
        f"the outputs of the run are {', '.join(files)}, and those of the ONNX {', '.join(names)}"
    )
