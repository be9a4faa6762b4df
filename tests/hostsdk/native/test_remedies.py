"""Operations that the HTP does not accept are refused by name, with the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from hostsdk.native.remedies import Arithmetic, arithmetic, refusal, remedies


def graph(*nodes: Any, zero_point: Any = None) -> Any:
    constants = [] if zero_point is None else [numpy_helper.from_array(zero_point, "zero")]
    return helper.make_graph(list(nodes), "net", [], [], constants)


def node(kind: str, name: str, domain: str = "") -> Any:
    return helper.make_node(kind, [], [], name=name, domain=domain)


def quantising(bits: int) -> Any:
    pair = helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"])
    return graph(pair, zero_point=np.array(0, {8: np.uint8, 16: np.uint16}[bits]))


@pytest.mark.parametrize(
    ("kind", "domain", "says"),
    [
        ("Erf", "", "Gelu of opset 20"),
        ("LSTM", "", "MatMul, Sigmoid and Tanh"),
        ("QLinearAdd", "com.microsoft", "QuantFormat.QDQ"),
        ("ConvInteger", "", "use the float network as w8a8"),
        ("Erf", "com.acme", "only com.acme defines it"),
        ("FastGelu", "com.microsoft", "the node Gelu, which is supported"),
        ("BiasGelu", "com.microsoft", "Add and Gelu"),
        ("Nobody", "", "try it quantised (w8a8 or w8a16)"),
    ],
)
def test_what_would_do_fits_the_operation_how_it_was_quantised_and_whose_it_is(
    kind: str, domain: str, says: str
) -> None:
    assert says in remedies([(kind, "a")], graph(node(kind, "a", domain)))[kind, "a"]


def test_nobody_is_told_to_quantise_what_is_quantised_or_to_take_the_bits_that_it_has() -> None:
    assert arithmetic(graph(node("Relu", "r"))) is Arithmetic.FLOAT
    assert arithmetic(quantising(8)) is Arithmetic.OF_8_BITS
    assert arithmetic(quantising(16)) is Arithmetic.OF_16_BITS


def test_operations_for_which_the_same_would_do_are_named_together() -> None:
    ops = [("Erf", "e1"), ("Loop", "l"), ("Erf", "e2")]
    told = refusal(ops, graph(*(node(kind, name) for kind, name in ops))).message
    assert told.startswith("the HTP does not support Erf (e1), Erf (e2): supported only as part of a GELU")
    assert told.endswith("and not Loop (l): export it unrolled.")


def test_of_many_the_first_are_named_and_the_others_counted() -> None:
    ops = [("LSTM", f"l{number}") for number in range(36)]
    assert "LSTM (l7) and 28 more: write it as" in refusal(ops, graph()).message
