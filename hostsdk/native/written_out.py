"""Operations that the libraries of 2.51 do not take as they stand, in those that they do.

Before opset 21 ONNX Runtime writes GroupNormalization out with a Shape among its operations, and from then on the provider asks
for a layout in which there is no such operation; a Mish of floats falls apart into several graphs; Celu, Softsign and most forms of
Einsum are none of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_INNER = "_inlfunc_"
"""Begins the name of a tensor inside a function that was written out, as ONNX Runtime has it."""
_OF_CHANNELS = 21
"""From this opset on scale and bias of a GroupNormalization are of the channels, before of the groups."""

_PRODUCT = re.compile(r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]*)")
"""An Einsum of two tensors."""


class _Form:
    """What takes a node's place: operations in their order, the last of which has the node's name and output."""

    def __init__(
        self,
        model: Any,
        node: Any,
        shapes: Mapping[str, tuple[int, ...]],
        constants: Mapping[str, Any],
        folder: Path,
    ) -> None:
        from onnx import helper

        self.inputs, self.shapes = list(node.input), shapes
        self.x, self.shape = node.input[0], shapes[node.input[0]]
        self.given = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        self.opset = max(each.version for each in model.opset_import if not each.domain)
        self.made: list[Any] = []
        self._graph, self._prefix = model.graph, f"{_INNER}{node.op_type}_{node.output[0]}"
        self._constants, self._folder = constants, folder

    def values(self, name: str) -> NDArray[Any] | None:
        """Of a constant; None where the tensor is computed."""
        from onnx import numpy_helper

        stored = self._constants.get(name)
        return None if stored is None else np.asarray(numpy_helper.to_array(stored, str(self._folder)))

    def constant(self, values: NDArray[Any]) -> str:
        """Its name."""
        from onnx import numpy_helper

        name = f"{self._prefix}_constant_{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def scalar(self, value: float) -> str:
        """The name of one that the network's floats are computed with."""
        return self.constant(np.array(value, np.float32))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The tensor that it makes."""
        from onnx import helper

        result = f"{self._prefix}_{len(self.made)}"
        self.made.append(helper.make_node(kind, inputs, [result], name=result, **attributes))
        return result

    def reshaped(self, tensor: str, shape: Sequence[int]) -> str:
        """The tensor with these dimensions; -1 for what is left."""
        return self.op("Reshape", tensor, self.constant(np.array(shape, np.int64)))

    def transposed(self, tensor: str, order: Sequence[int]) -> str:
        """The tensor with its axes in this order: itself where they are in it."""
        return tensor if list(order) == sorted(order) else self.op("Transpose", tensor, perm=list(order))


def _group_normalization(form: _Form) -> None:
    """Groups laid side by side, each normalised as an instance, laid back, and each channel scaled."""
    scale, bias = map(form.values, form.inputs[1:])
    if scale is None or bias is None or len(form.shape) < 3:
        return
    groups, channels = form.given["num_groups"], form.shape[1]
    of_channels = form.opset >= _OF_CHANNELS
    if channels % groups or {len(scale), len(bias)} != {channels if of_channels else groups}:
        return
    if not of_channels:
        scale, bias = (each.repeat(channels // groups) for each in (scale, bias))
    ones, zeros = np.ones(groups, scale.dtype), np.zeros(groups, bias.dtype)
    laid = form.reshaped(form.x, (form.shape[0], groups, -1))
    alone = form.op(
        "InstanceNormalization",
        laid,
        form.constant(ones),
        form.constant(zeros),
        epsilon=form.given.get("epsilon", 1e-5),
    )
    back = form.reshaped(alone, form.shape)
    each_channel = (1, channels, *(1 for _ in form.shape[2:]))
    scaled = form.op("Mul", back, form.constant(scale.reshape(each_channel)))
    form.op("Add", scaled, form.constant(bias.reshape(each_channel)))


def _mish(form: _Form) -> None:
    form.op("Mul", form.x, form.op("Tanh", form.op("Softplus", form.x)))


def _softsign(form: _Form) -> None:
    form.op("Div", form.x, form.op("Add", form.op("Abs", form.x), form.scalar(1)))


def _celu(form: _Form) -> None:
    alpha = form.given.get("alpha", 1.0)
    inner = form.x if alpha == 1 else form.op("Mul", form.x, form.scalar(1 / alpha))
    result = form.op("Elu", inner)
    if alpha != 1:
        form.op("Mul", result, form.scalar(alpha))


def _einsum(form: _Form) -> None:
    """Of two tensors: axes of both and of the result first, and those that are summed over in the middle of a MatMul."""
    product = _PRODUCT.fullmatch(form.given["equation"].decode().replace(" ", ""))
    if product is None or not all(name in form.shapes for name in form.inputs):
        return
    left, right, result = product.groups()
    dimensions = list(zip(left + right, (*form.shape, *form.shapes[form.inputs[1]]), strict=True))
    sizes = dict(dimensions)
    both = [axis for axis in left if axis in right]
    batch, summed = ([axis for axis in both if (axis in result) is kept] for kept in (True, False))
    rows, columns = [axis for axis in left if axis not in right], [axis for axis in right if axis not in left]
    if sorted(result) != sorted(batch + rows + columns) or any(
        len(set(each)) < len(each) for each in (left, right)
    ):
        return
    if any(sizes[axis] != size for axis, size in dimensions):
        return

    def laid(tensor: str, axes: str, *groups: list[str]) -> str:
        ordered = form.transposed(tensor, [axes.index(axis) for group in (batch, *groups) for axis in group])
        return form.reshaped(
            ordered,
            [*(sizes[axis] for axis in batch), *(prod(sizes[axis] for axis in group) for group in groups)],
        )

    multiplied = form.op(
        "MatMul", laid(form.x, left, rows, summed), laid(form.inputs[1], right, summed, columns)
    )
    made = [*batch, *rows, *columns]
    form.transposed(
        form.reshaped(multiplied, [sizes[axis] for axis in made]), [made.index(axis) for axis in result]
    )


def _batch_normalization(form: _Form) -> None:
    """As one factor and one addend a channel."""
    scale, bias, mean, variance = map(form.values, form.inputs[1:5])
    if scale is None or bias is None or mean is None or variance is None or form.given.get("training_mode"):
        return
    factor = scale / np.sqrt(variance + form.given.get("epsilon", 1e-5))
    each_channel = (1, len(factor), *(1 for _ in form.shape[2:]))
    scaled = form.op("Mul", form.x, form.constant(factor.astype(scale.dtype).reshape(each_channel)))
    addend = (bias - mean * factor).astype(scale.dtype)
    form.op("Add", scaled, form.constant(addend.reshape(each_channel)))


Forms = Mapping[str, Callable[["_Form"], None]]
OF_16_BITS: Forms = {"BatchNormalization": _batch_normalization}
"""What the HTP takes of floats and of 8 bits alone; those behind a convolution are folded into it before."""
_FORMS: Forms = {
    "GroupNormalization": _group_normalization,
    "Mish": _mish,
    "Softsign": _softsign,
    "Celu": _celu,
    "Einsum": _einsum,
}


def write_out(model: Any, folder: Path, forms: Forms = _FORMS) -> int:
    """Replace every operation of floats that has such a form and whose shape and parameters are known; how many there were. Others stay.

    The network's data files, if it has any, are in the folder.
    """
    graph = model.graph
    affected = [node for node in graph.node if node.op_type in forms and not node.domain]
    shapes = _shapes(model) if affected else {}
    constants = _constants(graph)
    written = 0
    for node in affected:
        if not node.input or node.input[0] not in shapes:
            continue
        try:
            form = _Form(model, node, shapes, constants, folder)
            forms[node.op_type](form)
        except Exception:  # noqa: S112  # attributes, sizes or data files that do not fit: ONNX Runtime says so
            continue
        if form.made:
            _put(graph, node, form.made)
            written += 1
    return written


def _constants(graph: Any) -> dict[str, Any]:
    """Tensors that stand in the network, by name."""
    constants = {
        node.output[0]: each.t
        for node in graph.node
        if node.op_type == "Constant"
        for each in node.attribute
        if each.name == "value"
    }
    return constants | {constant.name: constant for constant in graph.initializer}


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Of all tensors of floats whose dimensions have numbers."""
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # of its own kinds: the runtime says what is wrong
        return {}
    tensors = {
        value.name: value.type.tensor_type
        for value in (*graph.input, *graph.value_info)
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
    shapes = {name: tuple(each.dim_value for each in tensor.shape.dim) for name, tensor in tensors.items()}
    shapes |= {
        each.name: tuple(each.dims) for each in graph.initializer if each.data_type == onnx.TensorProto.FLOAT
    }
    return {name: shape for name, shape in shapes.items() if all(shape)}


def _put(graph: Any, node: Any, operations: list[Any]) -> None:
    operations[-1].name, operations[-1].output[0] = node.name, node.output[0]
    place = list(graph.node).index(node)
    graph.node.remove(node)
    for number, operation in enumerate(operations):
        graph.node.insert(place + number, operation)
