"""GELU in its error-function form becomes one node, whatever the order of its operations, and computes the same."""

from itertools import product

import numpy as np
import pytest

pytestmark = pytest.mark.hostsdk

CONSTANTS = {"sqrt2": 2**0.5, "rsqrt2": 0.5**0.5, "one": 1, "half": 0.5, "two": 2, "off": 1.2}
HEADS = {
    "divided": ["Div x sqrt2 d"],
    "multiplied": ["Mul x rsqrt2 d"],
    "multiplied from the left": ["Mul rsqrt2 x d"],
}
TAILS = {
    "x first": ["Add e one p", "Mul x p m", "Mul m half y"],
    "x last": ["Add one e p", "Mul half p m", "Mul m x y"],
    "half of x": ["Mul half x h", "Add e one p", "Mul p h y"],
    "half of x, divided": ["Div x two h", "Add e one p", "Mul h p y"],
    "divided at the end": ["Add e one p", "Mul p x m", "Div m two y"],
    "half of each": ["Mul e half h", "Add half h p", "Mul p x y"],
}


def model_of(lines, outputs=("y",)):
    """Return a network of `x`; each line is an operation, its two inputs and its output."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = []
    for line in lines:
        kind, *inputs, output = line.split()
        nodes.append(helper.make_node(kind, inputs, [output], name=output))
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 8]) for name in ("x", *outputs)]
    constants = [numpy_helper.from_array(np.float32(value), name) for name, value in CONSTANTS.items()]
    graph = helper.make_graph(nodes, "net", values[:1], values[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def fused(model):
    from hostsdk.native.gelu import fuse_gelus

    count = fuse_gelus(model)
    return count, [node.op_type for node in model.graph.node]


def run(model):
    import onnxruntime as ort

    x = np.random.default_rng(3).normal(0, 2, (4, 8)).astype(np.float32)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        None, {"x": x}
    )


@pytest.mark.parametrize(("head", "tail"), [*product(HEADS, TAILS)])
def test_every_order_of_the_operations_becomes_one_node_of_the_same_value(head, tail):
    model = model_of([*HEADS[head], "Erf d e", *TAILS[tail]])
    wanted = run(model)[0]
    assert fused(model) == (1, ["Gelu"])
    assert np.allclose(run(model)[0], wanted, atol=1e-5)


def test_pairs_of_quantising_and_dequantising_are_passed_over():
    pair = [
        "QuantizeLinear {0} one {0}_q",
        "DequantizeLinear {0}_q one {0}_dq",
    ]
    lines = ["Div x sqrt2 d", "Erf d e", *pair, "Add e_dq one p", "Mul x p m", "Mul m half y"]
    model = model_of([line.format("e") for line in lines])
    assert fused(model) == (1, ["Gelu"])


@pytest.mark.parametrize(
    "lines",
    [
        ["Erf x y"],
        ["Div x sqrt2 d", "Erf d y"],
        ["Div x off d", "Erf d e", "Add e one p", "Mul x p m", "Mul m half y"],
        ["Div x sqrt2 d", "Erf d e", "Add e off p", "Mul x p m", "Mul m half y"],
        ["Div x sqrt2 d", "Erf d e", "Add e one p", "Mul d p m", "Mul m half y"],
        ["Div x sqrt2 d", "Erf d e", "Add e one p", "Mul p p m", "Mul m half y"],
        ["Div x sqrt2 d", "Erf d e", "Add e one p", "Mul x p m", "Add m half y"],
        ["Div sqrt2 x d", "Erf d e", "Add e one p", "Mul x p m", "Mul m half y"],
    ],
)
def test_what_is_no_gelu_stays_as_it_is(lines):
    model = model_of(lines)
    assert fused(model) == (0, [node.op_type for node in model_of(lines).graph.node])


def test_a_value_inside_that_is_an_output_too_stays():
    lines = ["Div x sqrt2 d", "Erf d e", "Add e one p", "Mul x p m", "Mul m half y"]
    assert fused(model_of(lines, outputs=("y", "p")))[0] == 0
