"""Remedies for operations that the HTP does not accept, shared by `onnx-check`, converter and quantiser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.assignment import Op

_GELU = "supported only as part of a GELU: x/2 (1 + erf(x/√2)) in full, or the node Gelu of opset 20"
_RECURRENT = "write it as MatMul, Sigmoid and Tanh, one step after the other, or cut the network there"
_DECIDES = "its result determines the shapes or order of what follows: run it on the CPU after the network"
_OPERATORS = (
    "quantise to QDQ instead of QOperator (quant_format=QuantFormat.QDQ), or use the float network as w8a8"
)
_DYNAMIC = "activation ranges must be known beforehand: use the float network as w8a8"
_WHOLE = "quantise to integers of 4, 8 or 16 bits, with a scale per tensor or per channel"
_CONSTANT = "make the shape or number that it reads a constant of the network, or cut the network there"
_TENSORS = "write it with Split, Slice and Concat of tensors, or cut the network there"
_UNROLLED = "export it unrolled"
_PUBLIC = frozenset({"", "ai.onnx", "com.microsoft"})
"""The domains of operations that ONNX or ONNX Runtime defines."""
_REMEDIES: Mapping[str, str] = {
    "Erf": _GELU,
    "FastGelu": "write it as the node Gelu, which is supported, with any bias as an Add before it",
    "BiasGelu": "write it as Add and Gelu, which are supported",
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "RNN": _RECURRENT,
    "DynamicQuantizeLinear": _DYNAMIC,
    "ConvInteger": _DYNAMIC,
    "MatMulInteger": _DYNAMIC,
    "MatMulIntegerToFloat": _DYNAMIC,
    "DynamicQuantizeMatMul": _DYNAMIC,
    "NonZero": _DECIDES,
    "NonMaxSuppression": _DECIDES,
    "Unique": _DECIDES,
    "If": "export the branch that is taken",
    "Loop": _UNROLLED,
    "Scan": _UNROLLED,
    "Einsum": "write it as Transpose, Reshape and MatMul, as later opsets of exporters do",
    "Shape": "give every input a shape with numbers, and it is folded away",
    "GridSample": "use opset 16 to 19 with four dimensions, or cut the network there",
    "Dropout": "export the network for inference (model.eval()), which leaves it out",
    "Cast": "only casts between float32, int32, uint8 and bool are supported: use these types, or leave it out",
    "QuantizeLinear": _WHOLE,
    "DequantizeLinear": _WHOLE,
    **dict.fromkeys(("Reshape", "Expand", "Tile", "TopK", "Range", "ConstantOfShape"), _CONSTANT),
    **dict.fromkeys(("SplitToSequence", "SequenceAt", "SequenceConstruct", "ConcatFromSequence"), _TENSORS),
    "Mod": "for integers: x - (x / y) * y with Div, Mul and Sub",
}
"""The remedy for each operation type."""
_NAMED_AT_MOST = 8


class Arithmetic(StrEnum):
    """The arithmetic of a network, whose value is the remedy for operations that have none of their own."""

    FLOAT = "replace it, try it quantised (w8a8 or w8a16), or cut the network there"
    OF_8_BITS = "replace it, try it in 16 bits (w8a16) or in floats, or cut the network there"
    OF_16_BITS = "replace it, try it in 8 bits (w8a8) or in floats, or cut the network there"


def arithmetic(graph: Any) -> Arithmetic:
    """Return the arithmetic of the network's quantising pairs: 16 bits if any has, float if there are none."""
    from onnx import TensorProto

    quantising = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    if not quantising:
        return Arithmetic.FLOAT
    wide = {
        each.name for each in graph.initializer if each.data_type in (TensorProto.UINT16, TensorProto.INT16)
    }
    return (
        Arithmetic.OF_8_BITS
        if all(wide.isdisjoint(node.input[2:]) for node in quantising)
        else Arithmetic.OF_16_BITS
    )


def remedies(ops: Iterable[Op], graph: Any) -> dict[Op, str]:
    """Return the remedy for each operation."""
    domains = {node.name: node.domain for node in graph.node}
    otherwise = arithmetic(graph)
    return {(kind, name): _remedy(kind, domains.get(name, ""), otherwise) for kind, name in ops}


def _remedy(kind: str, domain: str, otherwise: Arithmetic) -> str:
    if domain not in _PUBLIC:
        return f"only {domain} defines it: write it with ONNX operations, or cut the network there"
    if kind.startswith("QLinear"):
        return _OPERATORS
    return _REMEDIES.get(kind, otherwise)


def refusal(ops: Iterable[Op], graph: Any) -> ToolError:
    """Return the error that names the operations, grouped by remedy."""
    by_remedy: dict[str, list[str]] = {}
    for (kind, name), remedy in remedies(ops, graph).items():
        by_remedy.setdefault(remedy, []).append(f"{kind} ({name or 'unnamed'})")
    refusals = " and not ".join(f"{_named(names)}: {remedy}" for remedy, names in by_remedy.items())
    return ToolError(ErrorCode.UNSUPPORTED_LAYER, f"the HTP does not support {refusals}.", "Model Validation")


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{', '.join(names[:_NAMED_AT_MOST])}{more}"
