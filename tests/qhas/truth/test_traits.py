"""Number format and class of a network, from what its DLC states."""

from __future__ import annotations

import pytest

from qhas.network.network import Graph, Network, NetworkOp, Role, Tensor
from qhas.truth.tables import NetworkClass, Precision
from qhas.truth.traits import traits_of


def network(*ops: tuple[str, str, tuple[int, ...]], weights: str = "SFixed8") -> Network:
    """A chain of ops, each given by its type, the data type of its output, and its shape."""
    tensors = [Tensor(name="in", shape=(1, 224, 224, 3), dtype="Float32", role=Role.INPUT)]
    tensors += [Tensor(name=f"t{at}", shape=shape, dtype=dtype) for at, (_, dtype, shape) in enumerate(ops)]
    tensors += [Tensor(name="w", shape=(3, 3), dtype=weights, weights="00")]
    made = [
        NetworkOp(name=f"op{at}", type=kind, inputs=(f"t{at - 1}" if at else "in", "w"), outputs=(f"t{at}",))
        for at, (kind, _, _) in enumerate(ops)
    ]
    return Network(graphs=(Graph(name="g", ops=tuple(made), tensors=tuple(tensors)),))


IMAGE = (1, 56, 56, 64)


@pytest.mark.parametrize(
    ("dtype", "precision"),
    [
        ("Float32", Precision.FLOAT),
        ("Float16", Precision.FLOAT),
        ("UFixed8", Precision.W8A8),
        ("SFixed8", Precision.W8A8),
        ("UFixed16", Precision.W8A16),
        ("Int32", None),
    ],
)
def test_the_format_is_that_of_what_ops_compute(dtype: str, precision: Precision | None) -> None:
    assert traits_of(network(("Conv2d", dtype, IMAGE))).precision is precision


def test_a_float_input_that_is_quantised_first_decides_nothing() -> None:
    ops = [
        ("Quantize", "UFixed8", IMAGE),
        *[("Conv2d", "UFixed8", IMAGE)] * 2,
        ("Dequantize", "Float32", IMAGE),
    ]
    assert traits_of(network(*ops)).precision is Precision.W8A8


def test_a_mixture_has_no_format() -> None:
    ops = [*[("Conv2d", "UFixed8", IMAGE)] * 3, ("Conv2d", "UFixed16", IMAGE)]
    assert traits_of(network(*ops)).precision is None


def test_a_few_wide_ops_that_do_most_of_the_work_make_a_mixture() -> None:
    """In `w8mixed` very few activations have 16 bits, and they may be those of the largest convolutions."""
    small = [("ElementWiseBinary", "UFixed8", IMAGE)] * 20
    assert traits_of(network(*small, ("Conv2d", "UFixed8", IMAGE))).precision is Precision.W8A8
    assert traits_of(network(*small, ("Conv2d", "UFixed16", IMAGE))).precision is None


def test_what_takes_sixteen_bits_computes_with_them() -> None:
    pairs = [("Conv2d", "UFixed16", IMAGE), ("Conv2d", "UFixed8", IMAGE)] * 10
    assert traits_of(network(*pairs)).precision is Precision.W8A16


def test_weights_of_four_bits_were_never_measured() -> None:
    assert traits_of(network(("Conv2d", "UFixed16", IMAGE), weights="SFixed4")).precision is None


def test_attention_is_told_by_a_softmax_between_products() -> None:
    scores = (1, 12, 384, 384)
    ops = [
        ("MatMul", "Float32", scores),
        ("Softmax", "Float32", scores),
        ("MatMul", "Float32", (1, 12, 384, 64)),
    ]
    traits = traits_of(network(*ops))
    assert traits.kind is NetworkClass.ATTENTION
    assert traits.tokens == 384


def test_the_softmax_of_a_classifier_is_no_attention() -> None:
    traits = traits_of(network(("Conv2d", "Float32", IMAGE), ("Softmax", "Float32", (1, 1000))))
    assert traits.kind is NetworkClass.CONVOLUTIONAL
    assert traits.tokens == 0


def test_layer_normalisation_alone_makes_the_class() -> None:
    assert traits_of(network(("LayerNorm", "Float32", IMAGE))).kind is NetworkClass.ATTENTION


def test_the_largest_input_is_counted() -> None:
    assert traits_of(network(("Prelu", "UFixed8", IMAGE))).input_elements == 224 * 224 * 3


def test_a_network_without_ops_has_no_format() -> None:
    assert traits_of(Network(graphs=())).precision is None
