"""Make an ONNX network ready for the converter: settle input shapes, and use forms of operations the HTP has.

What the libraries cannot handle is refused here by name: the runtime would blame the first operation it meets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.data_files import bring_data, is_external, require_data, without_data
from hostsdk.native.expansion import require_bounded
from hostsdk.native.gelu import fuse_gelus
from hostsdk.native.tensor_sizes import require_addressable
from hostsdk.native.written_out import write_out

RECURRENT = ("LSTM", "GRU")
"""The libraries of 2.51 write DLCs of these that they cannot read back: attribute 'hidden_size' is missing."""
LEAST_OPSET = 13
"""The first opset with per-channel quantising pairs; older networks are upgraded to `UPGRADED_OPSET`."""
UPGRADED_OPSET = 17
_MISREAD = frozenset({"Clip"})
"""Operations that the provider of 2.51 misreads when they have the attributes of opsets below 11."""
_IR_VERSION = 8
"""In older IR versions weights have to be inputs too, and the upgrade misses those that are not."""
_NOT_OF_THE_HTP = frozenset({"DOUBLE", "BFLOAT16", "STRING", "COMPLEX64", "COMPLEX128"})
_COMPONENT = "Converter"


@dataclass(frozen=True)
class Shapes:
    """What the user specifies for the inputs: full shapes by input, values by symbol, and the batch of all."""

    inputs: Mapping[str, Sequence[int]] = field(default_factory=dict)
    symbols: Mapping[str, int] = field(default_factory=dict)
    batch: int | None = None


def ready(onnx_path: Path, scratch: Path, shapes: Shapes) -> tuple[Path, list[tuple[str, str]]]:
    """Return the file to convert, in `scratch` if it had to change, and the refused nodes as (type, name).

    A file that cannot be read is left to the runtime, which reports it better. Raises `ToolError` for a shape that is
    not settled or does not fit, and for weights, types, sizes or an opset that the libraries cannot handle.
    """
    import onnx

    try:
        model = onnx.load(onnx_path, load_external_data=False)
    except Exception:  # the parser's own exceptions, and those for a file that is not a network at all
        return onnx_path, []
    require_data(model, onnx_path.parent)
    require_bounded(model)
    _require_types(model.graph)
    recurrent = [(node.op_type, node.name) for node in model.graph.node if node.op_type in RECURRENT]
    changed = [
        _settle(model.graph, shapes),
        _name(model.graph),
        bool(fuse_gelus(model)),
        bool(write_out(model, onnx_path.parent)),
    ]
    require_addressable(model)
    external = is_external(model)
    upgraded = without_data(model, _upgraded) if external else _upgraded(model)
    if not any(changed) and upgraded is model:
        return onnx_path, recurrent
    bring_data(upgraded, onnx_path.parent, scratch)
    target = scratch / "network.onnx"
    onnx.save(upgraded, target)
    return target, recurrent


def _require_types(graph: Any) -> None:
    """Raise `ToolError` for an input type that the HTP lacks: the runtime would blame an operation of its own."""
    from onnx import TensorProto

    constants = {constant.name for constant in graph.initializer}
    for value in graph.input:
        kind = TensorProto.DataType.Name(value.type.tensor_type.elem_type)
        if value.name not in constants and kind in _NOT_OF_THE_HTP:
            raise _invalid(
                f"input {value.name} has type {kind}, which the HTP does not support: export the network in float32 or float16"
            )


def _name(graph: Any) -> bool:
    """Give every node a name of its own, so that messages identify it; return whether any was renamed."""
    taken = {node.name for node in graph.node}
    seen = set[str]()
    changed = False
    for number, node in enumerate(graph.node):
        if not node.name or node.name in seen:
            name = node.name or next(filter(None, node.output), node.op_type)
            node.name = name if name not in taken else f"{name}_{number}"
            changed = True
        seen.add(node.name)
    return changed


def _upgraded(model: Any) -> Any:
    """Return the model at an opset that the quantiser and the provider know.

    One that cannot be upgraded is left for them to judge. Raises `ToolError` if the provider would silently compute
    something else.
    """
    from onnx import version_converter

    versions = [opset.version for opset in model.opset_import if not opset.domain]
    if not versions or versions[0] >= LEAST_OPSET:
        return model
    model.ir_version = max(model.ir_version, _IR_VERSION)
    try:
        return version_converter.convert_version(model, UPGRADED_OPSET)
    except Exception as error:  # the version converter's own exceptions, for operations it cannot convert
        bounded = [node.name for node in model.graph.node if node.op_type in _MISREAD and node.attribute]
        if not bounded:
            return model
        reason = " ".join(str(error).split())[:200].rstrip(".")
        raise _invalid(
            f"its opset is {versions[0]}, in which the bounds of Clip ({bounded[0]}) are attributes and get lost, and it cannot be converted to "
            f"{UPGRADED_OPSET} ({reason}): export it again with opset_version={UPGRADED_OPSET}"
        ) from error


def _settle(graph: Any, shapes: Shapes) -> bool:
    """Give every input a fixed shape, and return whether anything had to be changed."""
    constants = {constant.name for constant in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in constants}
    if unknown := sorted(set(shapes.inputs) - set(inputs)):
        raise _invalid(f"--input_dim names {unknown[0]!r}, but the network's inputs are {', '.join(inputs)}")
    symbols = dict(shapes.symbols)
    for name, value in inputs.items():
        for symbol, size in _given_symbols(name, value, shapes):
            if symbols.setdefault(symbol, size) != size:
                raise _invalid(f"the dimension {symbol} is {symbols[symbol]} and {size} at the same time")
    changed = False
    for name, value in inputs.items():
        wanted = _shape(name, value, shapes, symbols)
        changed |= wanted != [_size(each) for each in value.type.tensor_type.shape.dim]
        _write(value, wanted)
    if changed:
        for value in (*graph.output, *graph.value_info):
            _put_symbols(value, symbols)
    return changed


def _given_symbols(name: str, value: Any, shapes: Shapes) -> Iterable[tuple[str, int]]:
    """Return the values of symbols that follow from the shape the user gives an input, or from the batch."""
    dims = value.type.tensor_type.shape.dim
    sizes = shapes.inputs.get(name)
    if sizes is not None and value.type.tensor_type.HasField("shape"):
        if len(sizes) != len(dims):
            shown = " x ".join(map(str, sizes))
            raise _invalid(
                f"--input_dim {name}: {shown} has {len(sizes)} dimensions, but the input has {len(dims)}"
            )
        return [(each.dim_param, size) for each, size in zip(dims, sizes, strict=True) if each.dim_param]
    first = dims[0].dim_param if dims else ""
    return [(first, shapes.batch)] if first and shapes.batch is not None else []


def _shape(name: str, value: Any, shapes: Shapes, symbols: Mapping[str, int]) -> list[int | None]:
    """Return an input's complete shape. Raises `ToolError` with the remedy if a dimension is not known."""
    dims = value.type.tensor_type.shape.dim
    if name in shapes.inputs:
        return list(shapes.inputs[name])
    if not value.type.tensor_type.HasField("shape"):
        raise _invalid(f"input {name} has no shape: give one with --input_dim {name}, as in 1,3,224,224")
    sizes = [_size(each) if _size(each) is not None else symbols.get(each.dim_param) for each in dims]
    if dims and shapes.batch is not None and not dims[0].dim_param:
        sizes[0] = shapes.batch
    if None not in sizes:
        return sizes
    raise _invalid(_unsettled(name, dims, sizes))


def _unsettled(name: str, dims: Sequence[Any], sizes: Sequence[int | None]) -> str:
    shown = [each.dim_param or str(_size(each) or "?") for each in dims]
    example = [str(size or (1 if place == 0 else shown[place])) for place, size in enumerate(sizes)]
    open_ones = [word for word in example if not word.isdigit()]
    numbers = f" with a number for {' and '.join(open_ones)}" if open_ones else ""
    return (
        f"input {name} has a dimension without a fixed size ({' x '.join(shown)}), but the HTP compiles for fixed shapes: "
        f"give all of them, as in --input_dim {name} {','.join(example)}{numbers}"
    )


def _size(dimension: Any) -> int | None:
    return dimension.dim_value if dimension.HasField("dim_value") and dimension.dim_value > 0 else None


def _write(value: Any, sizes: Sequence[int | None]) -> None:
    shape = value.type.tensor_type.shape
    while len(shape.dim) < len(sizes):
        shape.dim.add()
    for dimension, size in zip(shape.dim, sizes, strict=True):
        dimension.dim_value = size


def _put_symbols(value: Any, symbols: Mapping[str, int]) -> None:
    for dimension in value.type.tensor_type.shape.dim:
        if dimension.dim_param in symbols:
            dimension.dim_value = symbols[dimension.dim_param]


def _invalid(reason: str) -> ToolError:
    return ToolError(ErrorCode.INVALID_PARAMETER, f"{reason}.", _COMPONENT)
