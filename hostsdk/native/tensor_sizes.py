"""Check how large a network's tensors are before any of them is allocated.

A constant of 10^10 elements can be three small numbers in the file.
"""

from __future__ import annotations

from math import prod
from typing import Any

from hostsdk.errors import ErrorCode, ToolError

MOST_ELEMENTS = 1 << 31
"""The limit for one tensor: 4 GiB in float16, all that the HTP can address."""
_TELLS_SHAPES = 4096
"""The most elements of a constant whose values may be a shape, a count or padding: a larger one's do not matter."""


def require_addressable(model: Any) -> None:
    """Raise `ToolError` if a tensor has over `MOST_ELEMENTS`, as far as that follows from the constants."""
    shapes = _shapes(model)
    for node in model.graph.node:
        for name in node.output:
            if (elements := prod(shapes.get(name, ()))) > MOST_ELEMENTS:
                raise ToolError(
                    ErrorCode.MODEL_LOAD,
                    f"{node.op_type} {node.name or name} produces a tensor of {elements:,} elements "
                    f"({' x '.join(map(str, shapes[name]))}), but the HTP addresses at most {MOST_ELEMENTS:,} in float16: correct the "
                    "sizes that it reads.",
                    "Converter",
                )


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Infer the shapes of the nodes' outputs, by name. Empty if that fails; the runtime reports why."""
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(_light(model), data_prop=True).graph
    except Exception:  # unknown operations, or shapes that contradict each other
        return {}
    return {
        value.name: tuple(each.dim_value for each in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.output)
    }


def _light(model: Any) -> Any:
    """Return the network without the data of its large constants, to avoid copying it."""
    import onnx

    light = onnx.ModelProto(ir_version=model.ir_version)
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    for part in ("node", "input", "output"):
        getattr(light.graph, part).extend(getattr(model.graph, part))
    light.graph.name = model.graph.name
    for constant in model.graph.initializer:
        if prod(constant.dims) <= _TELLS_SHAPES:
            light.graph.initializer.append(constant)
        else:
            light.graph.initializer.add(name=constant.name, data_type=constant.data_type, dims=constant.dims)
    return light
