"""Draw weights from a seed, then scale them on data so that no layer's activations vanish or explode."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from hostsdk.samples.images import generator, images
from hostsdk.samples.topologies import Role, Weight, add_weights

Values = dict[str, NDArray[np.float32]]

_BATCH = 4
_EPSILON = 1e-3
SHIFT = 0.5
"""Added to every normalised convolution, in units of its standard deviation: most activations pass the ReLU, which
keeps small differences (a rounding step) from growing layer by layer."""
LOGIT_DEVIATION = 1.2
"""Deviation of the softmax's inputs: the largest of 1000 classes gets a few percent, several quantisation steps."""
BIAS_SHARE = {"densenet121": 0.975}
"""The share of the logits' deviation that comes from the last layer's bias, if not zero. Without a softmax the
output's range is that of the logits themselves, and a rounding difference of one step in every feature would add up
to several of the output's steps."""

_CONSTANT = {Role.SCALE: 1.0, Role.SHIFT: 0.0, Role.BIAS: 0.0, Role.MEAN: 0.0, Role.VARIANCE: 1.0}
"""Values of weights that are not drawn. Batch normalisation starts as the identity: scaling on data does its work."""


def draw(network: str, weights: list[Weight]) -> Values:
    """Draw weights as initialised for training: He initialisation for filters, and constants for the rest."""
    values: Values = {}
    for weight in weights:
        if weight.role in _CONSTANT:
            values[weight.name] = np.full(weight.shape, _CONSTANT[weight.role], np.float32)
        else:
            deviation = np.sqrt(2 / np.prod(weight.shape[1:]))
            random = generator("weights", network, weight.name)
            values[weight.name] = random.normal(0, deviation, weight.shape).astype(np.float32)
    return values


def scale_on_data(network: str, model: onnx.ModelProto, values: Values) -> None:
    """Scale filters and biases in place, on sample images.

    Each convolution's output channels get mean SHIFT and deviation 1, and the last layer's logits deviation
    LOGIT_DEVIATION. Convolutions without a bias get one.
    """
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    last = next(node for node in reversed(model.graph.node) if node.op_type in ("Conv", "Gemm"))
    hidden = [node for node in convolutions if node.name != last.name]
    for node in convolutions:
        if len(node.input) == 2:
            node.input.append(f"{node.name}_bias")
            values[node.input[2]] = np.zeros(values[node.input[1]].shape[0], np.float32)
    statistics = _statistics(network, model, values, [node.output[0] for node in hidden])
    for node in hidden:
        mean, variance = statistics[_mean(node.output[0])], statistics[_variance(node.output[0])]
        factor = (1 / np.sqrt(variance + _EPSILON)).astype(np.float32)
        weight, bias = node.input[1], node.input[2]
        values[weight] *= factor.reshape(-1, 1, 1, 1)
        values[bias] = ((values[bias] - mean.ravel()) * factor.ravel() + SHIFT).astype(np.float32)
    share = BIAS_SHARE.get(network, 0.0)
    weight, bias = _parameters(model, last)
    values[weight] *= np.float32(LOGIT_DEVIATION * np.sqrt(1 - share**2) / statistics[_logits(model)].std())
    drawn = generator("logits", network).normal(0, LOGIT_DEVIATION * share, values[bias].shape)
    values[bias] = drawn.astype(np.float32)


def _parameters(model: onnx.ModelProto, node: onnx.NodeProto) -> list[str]:
    """Return the names of a layer's weight and bias as drawn, before the reshape that one topology has."""
    sources = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "Reshape"}
    return [sources.get(name, name) for name in node.input[1:]]


def _statistics(network: str, model: onnx.ModelProto, values: Values, tensors: list[str]) -> Values:
    """Compute the channel means and variances of `tensors`, and the logits, in one run.

    In that run each tensor is normalised for those that come after it.
    """
    probe = copy.deepcopy(model)
    add_weights(probe, values)
    _any_batch(probe)
    graph = probe.graph
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.output[0] in tensors:
            nodes += _normalised(node)
        else:
            nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    wanted = [name(tensor) for tensor in tensors for name in (_mean, _variance)] + [_logits(model)]
    del graph.output[:]
    graph.output.extend(helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(wanted))
    options = ort.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other tools need the cores
    options.log_severity_level = 3
    session = ort.InferenceSession(probe.SerializeToString(), options, providers=["CPUExecutionProvider"])
    batch = images(_BATCH, network, "scale")
    return dict(zip(wanted, session.run(wanted, {graph.input[0].name: batch}), strict=True))


def _normalised(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Return `node` and the nodes that give its output's channels mean SHIFT and deviation 1."""
    name = node.output[0]
    raw = copy.deepcopy(node)
    raw.output[0] = f"{name}/raw"
    channels = {"axes": [0, 2, 3], "keepdims": 1}
    constant = {
        part: helper.make_node("Constant", [], [f"{name}/{part}"], value_float=value)
        for part, value in (("epsilon", _EPSILON), ("shift", SHIFT))
    }
    steps: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
        ("ReduceMean", [f"{name}/raw"], _mean(name), channels),
        ("Sub", [f"{name}/raw", _mean(name)], f"{name}/centred", {}),
        ("Mul", [f"{name}/centred", f"{name}/centred"], f"{name}/squared", {}),
        ("ReduceMean", [f"{name}/squared"], _variance(name), channels),
        ("Add", [_variance(name), f"{name}/epsilon"], f"{name}/guarded", {}),
        ("Sqrt", [f"{name}/guarded"], f"{name}/deviation", {}),
        ("Div", [f"{name}/centred", f"{name}/deviation"], f"{name}/unit", {}),
        ("Add", [f"{name}/unit", f"{name}/shift"], name, {}),
    )
    nodes = [helper.make_node(kind, inputs, [output], **extra) for kind, inputs, output, extra in steps]
    return [raw, *constant.values(), *nodes]


def _any_batch(model: onnx.ModelProto) -> None:
    """Allow any batch size, in the input and in shapes that activations are reshaped to (0 keeps a size)."""
    graph = model.graph
    graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Reshape" and node.input[0] not in constants and node.input[1] in constants:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            shape[0] = 0
            constants[node.input[1]].CopyFrom(numpy_helper.from_array(shape, node.input[1]))


def _mean(tensor: str) -> str:
    return f"{tensor}/mean"


def _variance(tensor: str) -> str:
    return f"{tensor}/variance"


def _logits(model: onnx.ModelProto) -> str:
    """Return the tensor that goes into the softmax, or the output of a network that ends without one."""
    softmax = [node for node in model.graph.node if node.op_type == "Softmax"]
    if not softmax:
        return str(model.graph.output[0].name)
    source = softmax[-1].input[0]
    flatten = [node for node in model.graph.node if node.op_type == "Flatten" and node.output[0] == source]
    return str(flatten[0].input[0] if flatten else source)
