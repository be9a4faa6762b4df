"""Functions of an ONNX that call each other over and over do not exhaust memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostsdk.errors import ToolError
from hostsdk.native.expansion import require_bounded
from hostsdk.native.network import Shapes, ready


def function(name: str, calls: list[str]) -> Any:
    from onnx import helper

    places = ["a", *(f"t{number}" for number in range(len(calls) - 1)), "b"]
    nodes = [
        helper.make_node(call, [places[number]], [places[number + 1]], domain="" if call == "Relu" else "own")
        for number, call in enumerate(calls)
    ]
    return helper.make_function("own", name, ["a"], ["b"], nodes, [helper.make_opsetid("", 17)])


def network(functions: list[Any], *, inside_if: bool = False) -> Any:
    from onnx import TensorProto, helper

    call = helper.make_node("F0", ["x"], ["y"], domain="own")
    if inside_if:
        inner = helper.make_graph(
            [call], "inner", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])]
        )
        call = helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in ("x", "y")]
    graph = helper.make_graph([call], "g", ends[:1], ends[1:])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, functions=functions, opset_imports=opsets)


TENFOLD = [*([f"F{number + 1}"] * 10 for number in range(9)), ["Relu"] * 10]


@pytest.mark.parametrize("inside_if", [False, True])
@pytest.mark.parametrize("turned", [False, True], ids=["callers first", "callers last"])
def test_functions_that_grow_without_end_are_refused(inside_if: bool, turned: bool, tmp_path: Path) -> None:
    import onnx

    functions = [function(f"F{number}", calls) for number, calls in enumerate(TENFOLD)]
    onnx.save(network(functions[::-1] if turned else functions, inside_if=inside_if), tmp_path / "net.onnx")
    with pytest.raises(ToolError, match="its functions expand to over 1,000,000 nodes"):
        ready(tmp_path / "net.onnx", tmp_path, Shapes())


def test_a_long_chain_of_functions_is_none_of_them() -> None:
    chain = [function(f"F{number}", [f"F{number + 1}"]) for number in range(300)]
    require_bounded(network([*chain, function("F300", ["Relu"] * 3000)]))


@pytest.mark.parametrize("calls", [["F0"], ["F1", "F1"]])
def test_those_that_call_themselves_are_left_to_the_runtime(calls: list[str]) -> None:
    require_bounded(network([function("F0", calls), function("F1", ["F0", "Relu"])]))
