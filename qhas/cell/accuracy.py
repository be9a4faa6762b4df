"""A cell's outputs held against what ONNX Runtime computes of its ONNX from the same inputs.

They are those of the first inference, on the emulator or on the device. A cell that cannot be held against its ONNX is as
good without: its record says why.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qhas.accuracy.layout import Arrangement, arrangements, joined
from qhas.accuracy.names import matched
from qhas.cell.calibration import settled
from qhas.cell.dlc import PreparedGraph, prepared_graphs
from qhas.cell.feeds import feeds_of
from qhas.cell.prepare import Prepared
from qhas.cell.reference import reference_outputs, runtime
from qhas.cell.work import CellWork
from qhas.failures import FailureKind, Step, StepFailed
from qhas.lab.models import Source
from qhas.network.onnx_file import OnnxGraph, OnnxTensor, read_onnx
from qhas.profile.accuracy import Accuracy, OutputAccuracy, accuracy_of
from qhas.site.sdk import SdkKind
from qhas.sweep.spec import ModelRef

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RESULT = "Result_0"
_DIGITS = 9
"""Of a cosine: what comes behind is of the order of summation."""


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
    """Note how near the outputs of the cell's first inference are to the ONNX's. Raises StepFailed."""
    async with work.attempt(Step.ACCURACY) as attempt:
        onnx = await reference_of(work)
        try:
            feeds, on_htp = await network_of(work, onnx, prepared)
            reference = await reference_outputs(attempt, onnx, feeds)
            graph = await asyncio.to_thread(read_onnx, onnx.path)
            names = [tensor.name for tensor in graph.outputs]
            work.accuracy = await asyncio.to_thread(
                _compared, names, reference, work.folders[Step.LOGS] / _RESULT, on_htp, onnx.sha256
            )
        except ValueError as error:
            raise StepFailed(FailureKind.OUTPUTS_UNLIKE, attempt.step, f"{error!s}.") from error


async def network_of(
    work: CellWork, onnx: Source, prepared: Prepared
) -> tuple[dict[str, NDArray[Any]], PreparedGraph]:
    """The inputs of the cell's first inference as the ONNX takes them, and the graph as it is on the HTP.

    Raises ValueError for inputs that are not the ONNX's, StepFailed for those that cannot be had.
    """
    inputs = await work.inputs(prepared.dlc)
    graph, on_htp = await asyncio.to_thread(_described, onnx.path, prepared.dlc)
    wanted = {tensor: _shape(work.cell.model, tensor) for tensor in graph.inputs}
    moved = work.sdk.kind is SdkKind.VENDOR
    return await asyncio.to_thread(feeds_of, inputs, on_htp.inputs, wanted, moved=moved), on_htp


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


def _compared(names: list[str], reference: Path, folder: Path, on_htp: PreparedGraph, onnx: str) -> Accuracy:
    """Raises ValueError for outputs that are not the ONNX's."""
    import numpy as np

    from qhas.accuracy.agreement import are_classes, best_classes

    files = {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.raw"))}
    if not files:
        raise ValueError("the run left no outputs")
    found = matched(names, files)
    if found is None:
        raise ValueError(
            f"the outputs of the run are {', '.join(files)}, and those of the ONNX {', '.join(names)}"
        )
    shapes = matched(names, on_htp.output_shapes) or {}
    with np.load(reference, allow_pickle=False) as stored:
        wanted = dict(zip(names, (stored[f"arr_{place}"] for place in range(len(names))), strict=True))
    outputs, computed = [], {}
    for name, values in wanted.items():
        output, computed[name] = _output(name, values, found[name], shapes.get(name))
        outputs.append(output)
    alone = names[0] if len(names) == 1 and are_classes(wanted[names[0]].shape) else None
    top = best_classes(wanted[alone], computed[alone]) if alone else None
    return accuracy_of(outputs, top, onnx, runtime() or "")


def _output(
    name: str, wanted: NDArray[Any], file: Path, shape: tuple[int, ...] | None
) -> tuple[OutputAccuracy, NDArray[Any]]:
    import numpy as np

    values = np.fromfile(file, np.float32)
    if values.size != wanted.size or values.nbytes != file.stat().st_size:
        raise ValueError(
            f"output {name} has {file.stat().st_size} bytes, and {joined(wanted.shape)} values of float32 in the ONNX"
        )
    ways = arrangements(shape, wanted.shape) if shape else [Arrangement(wanted.shape)]
    if not ways:
        raise ValueError(
            f"output {name} is of {joined(shape or ())} values on the HTP, and of {joined(wanted.shape)} in the ONNX"
        )
    return _nearest(name, wanted, [(way, way.applied(values, wanted.shape)) for way in ways])


def _nearest(
    name: str, wanted: NDArray[Any], readings: list[tuple[Arrangement, NDArray[Any]]]
) -> tuple[OutputAccuracy, NDArray[Any]]:
    """Of several ways in which the values may lie, the one that they are nearest in."""
    from qhas.accuracy.agreement import agreement

    try:
        measured = [(agreement(wanted, values), way, values) for way, values in readings]
    except ValueError as error:
        raise ValueError(f"output {name}: {error}") from error
    best, way, values = max(measured, key=lambda each: each[0].sqnr_db)
    return OutputAccuracy(
        name=name,
        shape=wanted.shape,
        cosine=round(best.cosine, _DIGITS),
        sqnr_db=round(best.sqnr_db, 3),
        max_abs_error=float(f"{best.max_abs_error:.6g}"),
        order=way.order,
        left_out=best.left_out,
    ), values
