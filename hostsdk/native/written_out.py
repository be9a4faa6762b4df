"""Rewrite operations that the libraries of 2.51 do not accept as they are, in terms of ones that they do.

Before opset 21 ONNX Runtime expands GroupNormalization with a Shape among its operations, and from then on the
provider requests a layout in which the operation does not exist; a float Mish splits the network into several graphs;
the libraries lack Celu, Softsign and most forms of Einsum.
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
"""The prefix that ONNX Runtime gives to the name of a tensor inside an expanded function."""
_OF_CHANNELS = 21
"""From this opset on, a GroupNormalization's scale and bias are per channel; before, they are per group."""

_PRODUCT = re.compile(r"([A-Za-z]+),([A-Za-z]+)->([A-Za-z]*)")
"""The equation of an Einsum of two tensors."""


class _Form:
    """The replacement for a node: operations in order, the last of which gets the node's name and output."""

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
        """Return the values of a constant; None if the tensor is computed."""
        from onnx import numpy_helper

        stored = self._constants.get(name)
        return None if stored is None else np.asarray(numpy_helper.to_array(stored, str(self._folder)))

    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant, and return its name."""
        from onnx import numpy_helper

        name = f"{self._prefix}_constant_{len(self._graph.initializer)}"
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def scalar(self, value: float) -> str:
        """Add a float32 constant for use with the network's floats, and return its name."""
        return self.constant(np.array(value, np.float32))

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation, and return the tensor that it produces."""
        from onnx import helper

        result = f"{self._prefix}_{len(self.made)}"
        self.made.append(helper.make_node(kind, inputs, [result], name=result, **attributes))
        return result

    def reshaped(self, tensor: str, shape: Sequence[int]) -> str:
        """Return the tensor with these dimensions; -1 stands for the remaining elements."""
        return self.op("Reshape", tensor, self.constant(np.array(shape, np.int64)))

    def transposed(self, tensor: str, order: Sequence[int]) -> str:
        """Return the tensor with its axes in this order: the tensor itself if they already are."""
        return tensor if list(order) == sorted(order) else self.op("Transpose", tensor, perm=list(order))


def _group_normalization(form: _Form) -> None:
    """Reshape each group to one channel, normalise it as an instance, reshape back and scale each channel."""
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
    """Rewrite a product of two tensors as a MatMul.

    Its batch axes are those of both tensors and the result, its inner axis is made up of those that are summed over.
    """
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
    """Rewrite as one factor and one addend per channel."""
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
"""Accepted by the HTP only in float and 8 bits; those after a convolution have already been folded into it."""
_FORMS: Forms = {
    "GroupNormalization": _group_normalization,
    "Mish": _mish,
    "Softsign": _softsign,
    "Celu": _celu,
    "Einsum": _einsum,
}


def write_out(model: Any, folder: Path, forms: Forms = _FORMS) -> int:
    """Replace every float operation that has such a form, and return how many there were.

    Operations whose shape or parameters are not known stay. The network's data files, if it has any, are in the
    folder.
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
        except Exception:  # noqa: S112  # attributes, sizes or data files that do not fit: ONNX Runtime reports them
            continue
        if form.made:
            _put(graph, node, form.made)
            written += 1
    return written


def _constants(graph: Any) -> dict[str, Any]:
    """Return the tensors whose values are in the network, by name."""
    constants = {
        node.output[0]: each.t
        for node in graph.node
        if node.op_type == "Constant"
        for each in node.attribute
        if each.name == "value"
    }
    return constants | {constant.name: constant for constant in graph.initializer}


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all float tensors whose dimensions are all known."""
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # inference's own exceptions: the runtime reports what is wrong
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
