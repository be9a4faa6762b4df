"""The network on a cell's page: one line per op, with skip connections beside them."""

from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from fakes.records import record
from qhas.network.network import Graph, Network, NetworkOp, stored_network
from qhas.report.network_picture import MOST_LANES, MOST_OPS, Wiring, picture_of, wiring
from tests.qhas.report.cell_pages import instance, page_of, tables


def graph(*ops: tuple[str, str]) -> Graph:
    """Ops by name, each with the names of the ops whose results it reads."""
    return Graph(
        name="g",
        ops=tuple(
            NetworkOp(name=name, type="Conv2d", inputs=tuple(f"{other}.out" for other in reads.split()), outputs=(f"{name}.out",))
            for name, reads in ops
        ),
        tensors=(),
    )  # fmt: skip


def test_a_chain_is_one_lane() -> None:
    assert wiring(graph(("a", "x"), ("b", "a"), ("c", "b"))) == [
        Wiring(0, (), (), True),
        Wiring(0, (0,), (), True),
        Wiring(0, (0,), (), False),
    ]


def test_a_skip_keeps_its_lane_until_it_is_read() -> None:
    assert wiring(graph(("a", "x"), ("b", "a"), ("c", "b"), ("join", "c a"))) == [
        Wiring(0, (), (), True),
        Wiring(1, (0,), (0,), True),
        Wiring(1, (1,), (0,), True),
        Wiring(0, (0, 1), (), False),
    ]


def test_a_result_that_nobody_reads_takes_no_lane_from_those_below() -> None:
    assert [wire.lane for wire in wiring(graph(("a", "x"), ("b", "x"), ("c", "b")))] == [0, 0, 0]


@given(st.lists(st.sets(st.integers(0, 30), max_size=4), min_size=1, max_size=30))
def test_lanes_that_are_read_were_made_above_and_no_two_results_share_one(reads: list[set[int]]) -> None:
    ops = [
        (f"n{number}", " ".join(f"n{other}" for other in sorted(others) if other < number))
        for number, others in enumerate(reads)
    ]
    below: set[int] = set()
    for wire in wiring(graph(*ops)):
        assert below >= {*wire.reads, *wire.passing}
        assert set(wire.reads) | set(wire.passing) == below
        assert wire.lane not in wire.passing or wire.lane == MOST_LANES - 1
        below = {*wire.passing, *([wire.lane] if wire.goes_on else [])}


def test_ops_that_the_compiler_put_into_others_are_drawn_and_counted() -> None:
    network = Network(graphs=(graph(("conv", "x"), ("relu", "conv")),))
    shown = picture_of(network, tables(qnn_op_instances_nodes=[instance("conv")]).every)
    assert shown is not None
    assert (shown.total, shown.unseen) == (2, 1)
    assert "percent" in shown.lines[0]
    assert "percent" not in shown.lines[1]


def test_a_network_whose_ops_have_no_figures_is_not_drawn() -> None:
    network = Network(graphs=(graph(("conv", "x")),))
    assert picture_of(network, tables(qnn_op_instances_nodes=[instance("another")]).every) is None


def test_of_a_long_network_the_page_says_how_much_is_drawn() -> None:
    ops = [("n0", "x"), *((f"n{number}", f"n{number - 1}") for number in range(1, MOST_OPS + 5))]
    ops_told = tables(qnn_op_instances_nodes=[instance("n0")])
    network = picture_of(Network(graphs=(graph(*ops),)), ops_told.every)
    page = page_of(record(), ops=ops_told, network=network)
    assert "3,005 ops in order" in page.text
    assert "The first 3,000 ops are drawn" in page.text


def test_a_damaged_network_costs_its_picture_alone() -> None:
    assert stored_network(b"\x1f\x8b\x08") is None
    assert stored_network(gzip.compress(b"[]")) is None
    assert stored_network(None) is None
