"""Reading schematics."""

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

CONTENT = tiny.SCHEMATIC.encode()


@pytest.fixture
def schematic() -> Schematic:
    return parse_schematic(CONTENT, "tiny_schematic.bin")


def test_nodes_carry_name_and_type_and_include_input_and_output(schematic: Schematic) -> None:
    assert schematic.nodes == {
        2: QnnNode("Input OpId_2", "Input"),
        3: QnnNode("Output OpId_3", "Output"),
        0x10: QnnNode("conv", "Conv2d"),
        0x11: QnnNode(tiny.HOSTILE_NAME, "Relu"),
    }


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
