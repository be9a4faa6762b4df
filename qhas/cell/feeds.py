"""The inputs of a cell's inferences, in the form that ONNX Runtime accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qhas.accuracy.layout import arrangements, joined, settled_as
from qhas.accuracy.names import matched
from qhas.cell.dlc import GraphInput
from qhas.cell.inputs import StagedInputs
from qhas.network.onnx_file import OnnxTensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMPY = {
    "BOOL_8": "bool",
    **{f"FLOAT_{bits}": f"float{bits}" for bits in (16, 32, 64)},
    **{f"INT_{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    **{f"UINT_{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
}
"""NumPy's names by data type, for types whose stored values need no scale."""


def feeds_of(
    inputs: StagedInputs,
    told: Iterable[GraphInput],
    wanted: Mapping[OnnxTensor, tuple[int, ...] | None],
    *,
    moved: bool,
    inference: int = 0,
) -> dict[str, NDArray[Any]]:
    """Return the arrays of one inference of the list by the ONNX's input names.

    `wanted` maps the ONNX's inputs to their shapes, or to None for the shape on the HTP. `moved` says that the
    converter puts channels last. Raises ValueError if the inputs do not fit, or can be read in more than one way.
    """
    files = _of_inference(inputs, inference)
    named = {tensor.name: tensor for tensor in wanted}
    paths, tensors = matched(named, files), matched(named, {each.name: each for each in told})
    if paths is None or tensors is None:
        raise ValueError(
            f"the inputs of the run are {', '.join(files) or 'none'}, but those of the ONNX are {', '.join(named)}"
        )
    return {
        name: _array(
            tensor,
            settled_as(tensor.dimensions, told.dimensions) if wanted[tensor] is None else wanted[tensor],
            paths[name],
            told,
            native=inputs.native,
            moved=moved,
        )
        for name, tensor in named.items()
        for told in (tensors[name],)
    }


def _of_inference(inputs: StagedInputs, number: int) -> dict[str, Path]:
    words = (word.rpartition(":=") for word in inputs.listed[number].split())
    return {name: inputs.files[path] for name, _, path in words}


def _array(
    tensor: OnnxTensor,
    shape: tuple[int, ...] | None,
    path: Path,
    graph_input: GraphInput,
    *,
    native: bool,
    moved: bool,
) -> NDArray[Any]:
    import numpy as np

    held = graph_input.type if native else "FLOAT_32"
    if held not in _NUMPY or tensor.type not in _NUMPY:
        raise ValueError(
            f"input {tensor.name} is {tensor.type} in the ONNX, but its file holds {held}: these are not the same values"
        )
    values = np.fromfile(path, _NUMPY[held])
    ways = [] if shape is None else arrangements(graph_input.dimensions, shape)
    if shape is None or not ways or values.size != graph_input.elements:
        raise ValueError(
            f"input {tensor.name} has {joined(graph_input.dimensions)} values on the HTP, {joined(tensor.dimensions if shape is None else shape)} in the ONNX, and "
            f"its file has {values.size}"
        )
    if moved and len(ways) > 1:
        raise ValueError(
            f"input {tensor.name} of {joined(shape)} has as many channels as rows, so it is ambiguous whether the channels "
            f"come last on the HTP"
        )
    return ways[0].applied(values, shape).astype(_NUMPY[tensor.type])
