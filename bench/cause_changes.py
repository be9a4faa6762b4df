"""Tiny networks, each with one thing changed: attributes, names, structure or values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_IMAGES = 2


@dataclass(frozen=True)
class Conv:
    """A convolution and the activation after it."""

    channels: int = 32
    kernel: int = 3
    dilation: int = 1
    stride: int = 1
    groups: int = 1
    padded: bool = True
    activation: str = "Relu"
    border: float = 6.0
    """For a Clip, the greatest value it lets through."""
    bias: bool = True
    seed: int = 0
    """The seed of its weights; 0 stands for 1 + its place in the network."""


@dataclass(frozen=True)
class Tiny:
    """A chain of convolutions, pooled and resized at the end, with a skip around the second and third."""

    convs: tuple[Conv, ...] = (Conv(),) * 5
    image: int = 64
    batch: int = 1
    pool: str = "MaxPool"
    window: int = 2
    join: str = "Add"
    resize: str = "nearest"
    names: Sequence[int] | None = None
    """Numbers in the names of the convolutions; None for names made from `prefix`, place and kind."""
    prefix: str = "block"
    bits: int = 32
    by_channel: bool = False
    """Whether 8-bit weights have a scale per channel."""
    calibration: int = 0
    seeds: Mapping[int, int] = field(default_factory=dict)
    tap: bool = False
    """Whether the result of the first convolution is also an output."""

    def with_conv(self, place: int, **changes: object) -> Tiny:
        """Return the network with one of its convolutions changed."""
        convs = list(self.convs)
        convs[place] = replace(convs[place], **changes)  # type: ignore[arg-type]
        return replace(self, convs=tuple(convs))

    def with_convs(self, **changes: object) -> Tiny:
        """Return the network with all of its convolutions changed."""
        return replace(self, convs=tuple(replace(conv, **changes) for conv in self.convs))  # type: ignore[arg-type]

    def inserted(self, place: int) -> Tiny:
        """Return the network with one more convolution, which has its own weights; the others keep theirs."""
        kept = [replace(conv, seed=conv.seed or 1 + at) for at, conv in enumerate(self.convs)]
        kept.insert(place, Conv(seed=77))
        names = None if self.names is None else tuple(range(len(kept)))
        return replace(self, convs=tuple(kept), names=names)


def write(tiny: Tiny, target: Path) -> None:
    """Write the network as ONNX, quantised to 8 bits unless its `bits` are 32."""
    model = _model(tiny)
    onnx.checker.check_model(model)
    if tiny.bits == 32:
        onnx.save(model, target)
    else:
        _quantise(model, tiny, target)


def _model(tiny: Tiny) -> onnx.ModelProto:
    graph = _Graph(tiny)
    graph.build()
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in graph.outputs]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [tiny.batch, 3, tiny.image, tiny.image])
    made = helper.make_graph(graph.nodes, "tiny", [image], outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


class _Graph:
    """The nodes and constants of a network under construction."""

    def __init__(self, tiny: Tiny) -> None:
        self.tiny = tiny
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.outputs: list[str] = []

    def build(self) -> None:
        tiny, channels, value = self.tiny, 3, "image"
        skipped = ""
        for place, conv in enumerate(tiny.convs):
            value = self._conv(place, conv, channels, value)
            channels = conv.channels
            if place == 0 and tiny.tap:
                self.outputs.append(value)
            if place == 0:
                skipped = value
            if place == 2 and tiny.join:
                value = self._node(
                    tiny.join, [value, skipped], "join", **({"axis": 1} if tiny.join == "Concat" else {})
                )
                channels *= 2 if tiny.join == "Concat" else 1
        pads = {"pads": [0, 0, 1, 1]} if tiny.window % 2 else {}
        value = self._node(tiny.pool, [value], "pool", kernel_shape=[tiny.window] * 2, strides=[2, 2], **pads)
        value = self._resize(value)
        self.outputs.append(value)

    def _conv(self, place: int, conv: Conv, channels: int, value: str) -> str:
        name = self._name("Conv", place)
        draw = np.random.default_rng(conv.seed or 1 + place)
        shape = (conv.channels, channels // conv.groups, conv.kernel, conv.kernel)
        scale = (2 / (shape[1] * conv.kernel**2)) ** 0.5
        constants = [
            self._constant(draw.normal(0, scale, shape), f"{name}_w"),
            self._constant(draw.normal(0, 0.1, conv.channels), f"{name}_b"),
        ][: 1 + conv.bias]
        pad = conv.dilation * (conv.kernel - 1) // 2 if conv.padded else 0
        value = self._node(
            "Conv",
            [value, *constants],
            name,
            dilations=[conv.dilation] * 2,
            strides=[conv.stride] * 2,
            pads=[pad] * 4,
            group=conv.groups,
        )
        if not conv.activation:
            return value
        more = {"alpha": 0.1} if conv.activation == "LeakyRelu" else {}
        borders = (0.0, conv.border) if conv.activation == "Clip" else ()
        inputs = [
            value,
            *(self._constant(np.array(one), f"{name}_{at}") for at, one in enumerate(borders)),
        ]
        return self._node(conv.activation, inputs, self._name("Act", place), **more)

    def _resize(self, value: str) -> str:
        scales = self._constant(np.array([1, 1, 2, 2]), "scales")
        mode = {"nearest": {"mode": "nearest", "nearest_mode": "floor"}, "linear": {"mode": "linear"}}
        more = mode[self.tiny.resize] | {"coordinate_transformation_mode": "asymmetric"}
        return self._node("Resize", [value, "", scales], "up", **more)

    def _name(self, kind: str, place: int) -> str:
        numbers = self.tiny.names
        return f"{self.tiny.prefix}{place}_{kind.lower()}" if numbers is None else f"/{kind}_{numbers[place]}"

    def _constant(self, values: NDArray[np.float64], name: str) -> str:
        self.constants.append(numpy_helper.from_array(values.astype(np.float32), name))
        return name

    def _node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"


def _quantise(model: onnx.ModelProto, tiny: Tiny, target: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    whole = target.with_suffix(".float.onnx")
    onnx.save(model, whole)
    quantize_static(
        whole,
        target,
        _Images(tiny),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=tiny.by_channel,
    )


class _Images:
    """Calibration images, in the form of the CalibrationDataReader that the quantiser expects."""

    def __init__(self, tiny: Tiny) -> None:
        draw = np.random.default_rng(100 + tiny.calibration)
        shape = (tiny.batch, 3, tiny.image, tiny.image)
        self._batches: Iterator[dict[str, NDArray[np.float32]]] = iter(
            [
                {"image": draw.normal(0, 1 + tiny.calibration, shape).astype(np.float32)}
                for _ in range(_IMAGES)
            ]
        )

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)
