"""An ONNX graph being drawn: every op is quantised; weights are described, and grown from a seed only on writing.

The pairs of QuantizeLinear and DequantizeLinear around an op determine the bit width in which the HTP computes it.
Scales have no effect on time, with one exception: outputs between 0 and 1 have the scale that the HTP's kernels give
them, since otherwise a conversion is added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

OPSET = 23
"""The first opset with RMSNormalization; 4-bit weights need only 21."""
_IR_VERSION = 11
_SCALE = 0.001


class Weight(NamedTuple):
    """A constant that is grown when the graph is written. `bits` is the width of one element."""

    name: str
    dims: tuple[int, ...]
    bits: int
    signed: bool

    @property
    def bytes(self) -> int:
        """Its size in the file, with two 4-bit elements to a byte."""
        elements = 1
        for width in self.dims:
            elements *= width
        return (elements * self.bits + 7) // 8


class Draft:
    """A graph. Tensors are referred to by name; `bits` is the width of activations unless stated otherwise."""

    def __init__(self, bits: int) -> None:
        import onnx

        self._helper, self._types = onnx.helper, onnx.TensorProto
        self._bits = bits
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._weights: list[Weight] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._names = 0

    @property
    def weight_bytes(self) -> int:
        """The total size of all weights."""
        return sum(weight.bytes for weight in self._weights)

    @property
    def digest(self) -> str:
        """A digest of everything that determines what is compiled."""
        content = self._model(()).SerializeToString(deterministic=True)
        return hashlib.sha256(content + repr(self._weights).encode()).hexdigest()

    def input(self, name: str, dims: Sequence[int], bits: int | None = None) -> str:
        """Add a quantised input to the graph."""
        self._inputs.append(self._helper.make_tensor_value_info(name, self._type(bits or self._bits), dims))
        return self._dequantised(name, *self._scale(name, bits or self._bits))

    def whole_numbers(self, name: str, dims: Sequence[int]) -> str:
        """Add an input of integers that select rows."""
        self._inputs.append(self._helper.make_tensor_value_info(name, self._types.INT32, dims))
        return name

    def output(self, name: str, tensor: str, dims: Sequence[int], bits: int | None = None) -> None:
        """Make a tensor a quantised output of the graph."""
        self._node("QuantizeLinear", [tensor, *self._scale(name, bits or self._bits)], name)
        self._outputs.append(self._helper.make_tensor_value_info(name, self._type(bits or self._bits), dims))

    def op(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str],
        *,
        bits: int | None = None,
        share: bool = False,
        **attributes: Any,
    ) -> str:
        """Add a node and return its quantised output. `share` says that the output is between 0 and 1."""
        name = self._unused(name)
        self._node(kind, inputs, name, **attributes)
        return self.quantised(name, bits, share=share)

    def quantised(self, tensor: str, bits: int | None = None, *, share: bool = False) -> str:
        """Quantise the tensor to this bit width."""
        bits = bits or self._bits
        name = self._unused(f"{tensor}_q{bits}")
        scale = self._scale(name, bits, share=share)
        return self._dequantised(self._node("QuantizeLinear", [tensor, *scale], name), *scale)

    def numbers(self, name: str, values: Sequence[int]) -> str:
        """Add integers that an op takes as an input, such as a shape."""
        name = self._unused(name)
        self._constants.append(self._helper.make_tensor(name, self._types.INT64, [len(values)], values))
        return name

    def constant(self, name: str, dims: Sequence[int]) -> str:
        """Add a constant tensor with the bit width of activations."""
        name = self._unused(name)
        self._weights.append(Weight(name, tuple(dims), self._bits, signed=False))
        return self._dequantised(name, *self._scale(name, self._bits))

    def weight(self, name: str, dims: Sequence[int], bits: int, axis: int) -> str:
        """Add signed weights with a scale for each channel of an axis."""
        name, channels = self._unused(name), dims[axis]
        self._weights.append(Weight(name, tuple(dims), bits, signed=True))
        scales, zeros = f"{name}_scales", f"{name}_zeros"
        self._constants.append(
            self._helper.make_tensor(scales, self._types.FLOAT, [channels], [0.01] * channels)
        )
        self._constants.append(
            self._helper.make_tensor(
                zeros, self._signed(bits), [channels], bytes((channels * bits + 7) // 8), raw=True
            )
        )
        return self._dequantised(name, scales, zeros, axis=axis)

    def write(self, path: Path) -> None:
        """Write the graph with its weights; the bytes are the same each time."""
        path.write_bytes(self._model(map(self._grown, self._weights)).SerializeToString())

    def _model(self, weights: Any) -> Any:
        graph = self._helper.make_graph(
            self._nodes, "graph", self._inputs, self._outputs, [*self._constants, *weights]
        )
        opsets = [self._helper.make_opsetid("", OPSET)]
        return self._helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)

    def _grown(self, weight: Weight) -> Any:
        import numpy as np

        seed = int.from_bytes(hashlib.sha256(weight.name.encode()).digest()[:8])
        kind = self._signed(weight.bits) if weight.signed else self._type(weight.bits)
        content = np.random.default_rng(seed).bytes(weight.bytes)
        return self._helper.make_tensor(weight.name, kind, weight.dims, content, raw=True)

    def _node(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        self._nodes.append(self._helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _dequantised(self, tensor: str, scale: str, zero: str, **attributes: int) -> str:
        return self._node("DequantizeLinear", [tensor, scale, zero], f"{tensor}_dq", **attributes)

    def _scale(self, name: str, bits: int, *, share: bool = False) -> tuple[str, str]:
        scale, zero = self._unused(f"{name}_scale"), self._unused(f"{name}_zero")
        step, middle = (2.0**-bits, 0) if share else (_SCALE, 1 << (bits - 1))
        self._constants.append(self._helper.make_tensor(scale, self._types.FLOAT, [], [step]))
        self._constants.append(self._helper.make_tensor(zero, self._type(bits), [], [middle]))
        return scale, zero

    def _unused(self, name: str) -> str:
        self._names += 1
        return f"{name}_{self._names}"

    def _type(self, bits: int) -> int:
        return int({8: self._types.UINT8, 16: self._types.UINT16}[bits])

    def _signed(self, bits: int) -> int:
        return int({4: self._types.INT4, 8: self._types.INT8}[bits])
