"""Names of ops: which parts persist between compiles, and which ops belong to the network."""

from __future__ import annotations

import pytest

from qhas.profile.op_names import lasting_name, moving_numbers, of_network


@pytest.mark.parametrize(
    ("name", "lasting", "numbers"),
    [
        ("layer/Conv_token_79_2", "layer/Conv", (79, 2)),
        ("Conv_token_5", "Conv", (5,)),
        ("layers.2/Add_3", "layers.2/Add_3", ()),
        ("a_token_1_x", "a_token_1_x", ()),
        ("MatMul_0", "MatMul_0", ()),
        ("SystemService_ChunkPreload_12b6", "SystemService_ChunkPreload", (0x12B6,)),
        ("SystemService_ChunkPreload", "SystemService_ChunkPreload", ()),
        ("$Const_11", "$Const", (0x11,)),
        ("Input", "Input", ()),
        ("Input OpId_2", "Input", (2,)),
        ("Output OpId_12", "Output", (12,)),
        ("Inputs OpId_2", "Inputs OpId_2", ()),
        ("Conv OpId_2", "Conv OpId_2", ()),
        ("", "", ()),
    ],
)
def test_numbers_of_the_compiler_are_told_from_the_authors(
    name: str, lasting: str, numbers: tuple[int, ...]
) -> None:
    assert (lasting_name(name), moving_numbers(name)) == (lasting, numbers)


@pytest.mark.parametrize("added", ["Input", "Output", "$Const", "$Shape", "SystemService_ChunkPreload"])
def test_what_the_compiler_adds_is_not_of_the_network(added: str) -> None:
    assert not of_network(added)


@pytest.mark.parametrize("written", ["Conv2d", "InputNorm", "OutputGate", "Pack::SystemService", ""])
def test_every_other_type_is(written: str) -> None:
    assert of_network(written)
