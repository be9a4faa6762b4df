"""What the HTP supports of a network is reported per SoC, with replacements for what it does not support."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qhas.failures import InvalidInput
from qhas.gate.support import LeftOp, Support, check_support
from tests.onnx_bytes import write_onnx


def support() -> Support:
    erf, conv = LeftOp(type="Erf", name="/gelu/Erf"), LeftOp(type="Conv", name="/stem", macs=25)
    return Support(nodes=10, macs=100, socs={"sa8255": [erf], "sm8750": [erf, conv], "sm8850": []})


def test_coverage_is_of_the_multiply_accumulates() -> None:
    assert [support().covered(soc) for soc in support().socs] == [1.0, 0.75, 1.0]


def test_a_network_without_any_is_counted_by_its_operations() -> None:
    left = {"sa8255": [LeftOp(type="Det", name="det")]}
    assert Support(nodes=4, macs=0, socs=left).covered("sa8255") == 0.75


def test_an_operation_is_told_once_with_the_socs_that_do_not_take_it() -> None:
    told = {(each.op.name, each.socs) for each in support().not_taken()}
    assert told == {("/gelu/Erf", ("sa8255", "sm8750")), ("/stem", ("sm8750",))}


def test_a_dimension_without_a_number_is_asked_for_before_a_tool_runs(tmp_path: Path) -> None:
    network = write_onnx(tmp_path / "net.onnx", inputs={"image": ("n", 3, 8, 8)})
    with pytest.raises(InvalidInput, match="--shape image=1,3,8,8"):
        asyncio.run(check_support(network, ["sa8255"], {}))


def test_what_is_no_onnx_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InvalidInput, match=r"net\.onnx is a DLC or another zip file, not an ONNX"):
        asyncio.run(check_support(tmp_path / "net.onnx", ["sa8255"], {}))
