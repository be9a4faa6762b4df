"""Shares of ceilings: the work implied by shapes over the cycles of the ops that did it, against the shipped table."""

from __future__ import annotations

import pytest

from qhas.estimate.model import OpEstimate
from qhas.explain.ceilings import ceiling, table
from qhas.explain.rates import rates
from qhas.network.network import Graph, NetworkOp, Tensor
from qhas.network.work import macs, touched_bytes
from qhas.truth.tables import Precision

SHAPES: dict[str, tuple[int, ...]] = {
    "image": (1, 8, 8, 32), "kernel": (3, 3, 32, 64), "deep": (3, 3, 1, 32), "made": (1, 8, 8, 64), "active": (1, 8, 8, 64),
    "row": (1, 64), "matrix": (10, 64), "scores": (1, 10),
}  # fmt: skip


def node(name: str, kind: str, inputs: str, output: str) -> NetworkOp:
    return NetworkOp(name=name, type=kind, inputs=tuple(inputs.split()), outputs=(output,))


def graph(*ops: NetworkOp) -> Graph:
    tensors = tuple(Tensor(name=name, shape=shape, dtype="UFixed8") for name, shape in SHAPES.items())
    return Graph(name="net", ops=ops, tensors=tensors)


def row(node: str, unit: str, htp_op: str = "q::op", cycles: int = 100, dtype: str = "QUInt8") -> OpEstimate:
    return OpEstimate(
        htp_op=htp_op, unit=unit, node=node, type="", dtype=dtype, dims=(), instances=1, cycles=cycles, busy=cycles,
        dominant=cycles, dram_read=0, dram_write=0, vtcm_read=0, vtcm_write=0,
    )  # fmt: skip


CONV = node("conv", "Conv2d", "image kernel", "made")
RELU = node("relu", "ElementWiseNeuron", "made", "active")


@pytest.mark.parametrize(
    ("op", "work"),
    [
        (CONV, 8 * 8 * 64 * 3 * 3 * 32),
        (node("deep", "DepthWiseConv2d", "image deep", "image"), 8 * 8 * 32 * 3 * 3),
        (node("full", "FullyConnected", "row matrix", "scores"), 640),
        (RELU, 0),
        (node("odd", "Conv2d", "image elsewhere", "made"), 0),
    ],
    ids=["convolution", "depthwise", "fully connected", "none to count", "unknown shape"],
)
def test_multiply_accumulates_are_told_by_shapes(op: NetworkOp, work: int) -> None:
    assert macs(graph(op), op) == work


def test_an_elementwise_node_touches_all_of_its_tensors() -> None:
    assert touched_bytes(graph(RELU), RELU) == 2 * 8 * 8 * 64
    assert touched_bytes(graph(CONV), CONV) == 0


def test_what_was_made_one_op_with_a_convolution_did_its_work() -> None:
    made = rates(graph(CONV, RELU), [row("relu", "HMX"), row("relu", "HVX")])
    assert {key: rate.work for key, rate in made.items()} == {("relu", "HMX"): 8 * 8 * 64 * 3 * 3 * 32}


def test_a_convolution_with_an_op_of_its_own_is_not_counted_twice() -> None:
    made = rates(graph(CONV, RELU), [row("conv", "HMX"), row("relu", "HMX")])
    assert made.keys() == {("conv", "HMX")}


def test_ops_of_one_node_share_its_work_and_padding_is_none() -> None:
    ops = [row("relu", "HVX"), row("relu", "HVX", "q::other", 300), row("relu", "HVX", "hnnx::BlockZapOp")]
    (rate,) = rates(graph(RELU), ops).values()
    assert (rate.work, rate.cycles) == (2 * 8 * 8 * 64, 400)


@pytest.mark.parametrize("dtype", ["Int32", "", "Bool"])
def test_what_is_no_number_format_of_networks_has_no_rate(dtype: str) -> None:
    assert not rates(graph(RELU), [row("relu", "HVX", dtype=dtype)])


def test_more_than_a_thread_can_move_was_no_work_of_the_op() -> None:
    assert not rates(graph(RELU), [row("relu", "HVX", cycles=2 * 8 * 8 * 64 // 385)])


@pytest.mark.parametrize("soc", ["sa8255", "sa8775p", "sm8750"])
def test_what_is_used_most_has_ceilings_in_every_format(soc: str) -> None:
    assert all(ceiling(soc, precision) for precision in Precision)


def test_ceilings_are_positive_and_those_of_vectors_possible() -> None:
    for each in table().values():
        assert min(each.hmx_macs, each.hvx_bytes, each.dram_bytes, each.core_mhz) > 0
        assert each.hvx_bytes <= 3 * 128


def test_a_soc_that_was_not_tried_has_no_ceiling() -> None:
    assert ceiling("sm1", Precision.W8A8) is None
