"""Schematics are read completely or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostsdk.viewer.schematic import (
    HtpOp,
    QnnNode,
    Schematic,
    SchematicError,
    Tensor,
    parse_schematic,
    read_schematic,
)
from tests.hostsdk.viewer import tiny

SPLIT = Path(__file__).parents[4] / "shared/inputs/schematic-split-node.txt"
CONTENT = tiny.SCHEMATIC.encode()


@pytest.fixture
def schematic() -> Schematic:
    return parse_schematic(CONTENT, "tiny_schematic.bin")


def test_nodes_carry_name_and_type_and_include_input_and_output(schematic: Schematic) -> None:
    assert schematic.nodes == {
        2: QnnNode("Input", "Input"),
        3: QnnNode("Output", "Output"),
        0x10: QnnNode("conv", "Conv2d"),
        0x11: QnnNode(tiny.HOSTILE_NAME, "Relu"),
    }


def with_before(fragment: str, names: dict[str, str]) -> Schematic:
    """Return the tiny schematic with other nodes before optimisation."""
    begin = tiny.SCHEMATIC.index("\t0x0000000000000002: {")
    end = tiny.SCHEMATIC.index("}\n# :::END:graph_before_optimization:::")
    translations = "".join(f"{op_id}: '{name}',\n" for op_id, name in names.items())
    text = tiny.SCHEMATIC[:begin] + fragment + tiny.SCHEMATIC[end:]
    marker = "qnn_name_translations = {\n"
    return parse_schematic(text.replace(marker, marker + translations).encode(), "x")


def node(op_id: str, operation: str, *inputs: str) -> str:
    feeding = "".join(f"\t\t\t({source},0),\n" for source in inputs)
    return f"\t{op_id}: {{\n\t\t'operation':'{operation}',\n\t\t'inputs' : [\n{feeding}\t\t],\n\t}},\n"


@pytest.mark.parametrize("named", ["0x0000000000000044", "0x0000400000000044", "0x44"])
@pytest.mark.parametrize("kind", ["Split", "TopK", "Lstm"])
def test_a_node_with_several_outputs_has_a_type(kind: str, named: str) -> None:
    schematic = with_before(node("0x0000400000000044", f"q::QNN_{kind}", "0x41"), {named: "parts"})
    assert schematic.nodes[0x44] == QnnNode("parts", kind)


@pytest.mark.skipif(not SPLIT.is_file(), reason="the sample schematic is not beside the repository")
def test_the_nodes_of_a_real_split_have_types() -> None:
    names = {"0x0000000000000044": "a", "0x00000000000000a0": "b"}
    schematic = with_before("\t" + SPLIT.read_text() + "\n", names)
    assert [schematic.nodes[op_id].type for op_id in (0x44, 0xA0)] == ["Split", "Split"]


def test_constants_are_named_after_the_node_that_reads_them() -> None:
    """Constants need not be listed in the graph before optimisation; other nodes without a name are not constants."""
    fragment = (
        node("0x0000000000000013", "q::QNN_LayerNorm", "0x2", "0x20", "0x21")
        + node("0x0000000000000014", "q::QNN_MatMul", "0x13", "0x22", "0x30")
        + node("0x0000000000000020", "$Const")
        + node("0x0000000000000030", "q::QNN_Relu")
    )
    schematic = with_before(fragment, {"0x0000000000000013": "norm", "0x0000000000000014": "product"})
    assert {op_id: schematic.node(op_id).name for op_id in (0x20, 0x21, 0x22, 0x13)} == {
        0x20: "constant 1 of norm",
        0x21: "constant 2 of norm",
        0x22: "constant of product",
        0x13: "norm",
    }
    assert schematic.node(0x20).type == "$Const"
    assert schematic.node(0x30) == QnnNode("unknown op 0x30", "unknown op")
    assert not schematic.knows(0x30)


def test_an_op_has_its_inputs_without_its_split_history(schematic: Schematic) -> None:
    assert schematic.ops[tiny.CONV] == HtpOp(
        operation="q::ConvLayer_s1.opt",
        inputs=((0x50000000010, 0), (0x77, 0)),
        outputs=(Tensor("QUInt8", 4, 128, 0.0359642431, (1, 8, 8, 32)),),
    )


def test_negative_offsets_and_exponents_are_numbers(schematic: Schematic) -> None:
    (tensor,) = schematic.ops[tiny.RELU].outputs
    assert (tensor.zero_offset, tensor.step_size) == (-3, 1e-05)


def test_constants_are_told_from_ops(schematic: Schematic) -> None:
    assert [op_id for op_id, op in schematic.ops.items() if op.constant] == [0x77]


def test_descriptions_are_looked_up_by_key(schematic: Schematic) -> None:
    assert schematic.descriptions == {tiny.CONV: "Conv2d with strides=(1,1) but there's more."}


def test_the_digest_is_of_the_file(schematic: Schematic) -> None:
    assert (schematic.graph, schematic.sha256) == ("tiny", hashlib.sha256(CONTENT).hexdigest())


def test_the_text_is_never_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    parse_schematic(tiny.SCHEMATIC.encode() + f"\nopen({str(trap)!r}, 'w')\n".encode(), "x")
    assert not trap.exists()


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, CONTENT[: len(CONTENT) // 2], b'qnn_graph_name = "x"\n']
)
def test_what_is_no_complete_schematic_is_refused(content: bytes) -> None:
    with pytest.raises(SchematicError, match=r"odd\.bin is not a complete schematic"):
        parse_schematic(content, "odd.bin")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchematicError, match="No such file"):
        read_schematic(tmp_path / "absent.bin")


@given(st.integers(0, len(CONTENT)), st.binary(max_size=6))
def test_damage_is_refused_or_read_but_never_crashes(place: int, junk: bytes) -> None:
    try:
        parse_schematic(CONTENT[:place] + junk + CONTENT[place + len(junk) :], "x")
    except SchematicError:
        return
