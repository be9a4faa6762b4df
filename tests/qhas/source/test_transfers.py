"""Inputs and outputs of a network are distinguished by what reads them and by what they are read from."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fakes.profiles import core, qhas
from qhas.network.network import Graph, Network, NetworkOp, Role, Tensor
from qhas.profile.qhas_file import QhasFile, parse_qhas
from qhas.source.transfers import Transfer, transfers


def network(*ops: NetworkOp, inputs: str = "image", outputs: str = "boxes scores") -> Network:
    ends = [
        *((name, Role.INPUT) for name in inputs.split()),
        *((name, Role.OUTPUT) for name in outputs.split()),
    ]
    tensors = tuple(Tensor(name=name, shape=(1,), dtype="Float32", role=role) for name, role in ends)
    return Network(graphs=(Graph(name="g", ops=ops, tensors=tensors),))


def op(name: str, taken: str, made: str) -> NetworkOp:
    return NetworkOp(name=name, type="Conv2d", inputs=tuple(taken.split()), outputs=tuple(made.split()))


def htp(op_id: str, qnn: str, dominant: int, *read: str, **changes: Any) -> dict[str, Any]:
    kind = qnn if qnn in ("Input", "Output") else "Conv2d"
    row = {"op_id": op_id, "htp_op": "q::any", "qnn_op": qnn, "qnn_op_type": kind, "cycles": dominant}
    return row | {"num_dominant_path_cycles": dominant, "input_nodes": list(read)} | changes


def summary(*instances: dict[str, Any], **whole: int) -> QhasFile:
    """A QHAS file of these instances; `whole` replaces ops' total cycles, keyed by their names."""
    kinds = {row["qnn_op"]: row["qnn_op_type"] for row in instances}
    cycles = {
        name: sum(row["cycles"] for row in instances if row["qnn_op"] == name) for name in kinds
    } | whole
    nodes = [
        {
            "qnn_op": name,
            "qnn_op_type": kind,
            "cycles": cycles[name],
            "num_dominant_path_cycles_htp_0": cycles[name],
        }
        for name, kind in kinds.items()
    ]
    document = qhas(
        htp_overall_summary=[core()], qnn_op_instances_nodes=nodes, htp_op_instances=list(instances)
    )
    return parse_qhas(json.dumps(document).encode(), "qhas.json")


STEM = op("stem", "image", "features")
DETECTOR = (STEM, op("box", "features", "boxes"), op("score", "features", "scores"))
RUN = (
    htp("0x1", "Input", 60),
    htp("0x2", "stem", 500, "0x1"),
    htp("0x3", "box_token_7", 100, "0x2"),
    htp("0x4", "score", 100, "0x2"),
    htp("0x5", "Output", 20, "0x3"),
    htp("0x6", "Output", 30, "0x5"),
    htp("0x7", "Output", 10, "0x4"),
)


def test_an_output_is_that_of_the_op_it_is_read_from_through_whatever_formats() -> None:
    assert transfers(summary(*RUN), network(*DETECTOR)) == [
        Transfer(Role.INPUT, ["image"], ["stem"], 60),
        Transfer(Role.OUTPUT, ["boxes"], ["box"], 50),
        Transfer(Role.OUTPUT, ["scores"], ["score"], 10),
    ]


def test_an_input_is_that_of_the_op_that_reads_it() -> None:
    two = network(
        op("left", "a", "x"), op("right", "b", "y"), op("sum", "x y", "out"), inputs="a b", outputs="out"
    )
    run = [
        htp("0x1", "Input", 6),
        htp("0x2", "Input", 4),
        htp("0x3", "right", 1, "0x1"),
        htp("0x4", "left", 1, "0x2"),
    ]
    assert [(each.tensors, each.dominant) for each in transfers(summary(*run), two)] == [
        (["b"], 6),
        (["a"], 4),
    ]


def test_an_end_that_may_be_either_is_called_so_and_has_no_op() -> None:
    two = network(op("sum", "a b", "out"), inputs="a b", outputs="out")
    run = [htp("0x1", "Input", 6), htp("0x2", "sum", 1, "0x1")]
    assert transfers(summary(*run), two) == [Transfer(Role.INPUT, ["a", "b"], [], 6)]


@pytest.mark.parametrize("known", [None, Network(graphs=())])
def test_of_a_network_that_is_not_known_only_the_cycles_are_told(known: Network | None) -> None:
    assert transfers(summary(*RUN), known) == [
        Transfer(Role.INPUT, [], [], 60),
        Transfer(Role.OUTPUT, [], [], 60),
    ]


def test_cycles_that_no_htp_op_tells_are_of_no_known_tensor() -> None:
    moved = transfers(summary(*RUN, Input=75), network(*DETECTOR))
    assert Transfer(Role.INPUT, [], [], 15) in moved


def test_a_node_that_is_called_output_is_none() -> None:
    named = network(op("Output", "image", "boxes"), outputs="boxes")
    run = [htp("0x1", "Input", 6), htp("0x2", "Output", 9, "0x1", qnn_op_type="Conv2d")]
    assert [each.role for each in transfers(summary(*run), named)] == [Role.INPUT]


def test_ops_that_read_each_other_in_a_circle_end() -> None:
    run = [htp("0x1", "Output", 6, "0x2"), htp("0x2", "Output", 4, "0x1")]
    assert sum(each.dominant for each in transfers(summary(*run), network(*DETECTOR))) == 10
