"""In a network compiled twice, names that change with every compile are not reported as changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, Matched, OpEffect
from qhas.profile.metrics import metrics_of
from qhas.profile.qhas_file import QhasFile, parse_qhas, read_qhas
from tests.qhas.diff.summaries import Made, document, made

SHARED = Path(__file__).parents[3].parent / "shared"
VENDOR = SHARED / "data/vendor"
needs_files = pytest.mark.skipif(
    not VENDOR.exists(), reason="the vendor's files are not beside the repository"
)

NETWORK = [
    Made("Input", "Input", dtype="QUInt8"),
    Made("SystemService_ChunkPreload_12b6", "SystemService_ChunkPreload", dominant=500),
    Made("$Const_11", "$Const", dominant=70),
    Made("$Const_a", "$Const", dominant=900),
    Made("stem/Conv_token_1_2"),
    Made("Transpose_token_5_2", "Transpose", dominant=40_000),
    Made("Transpose_token_9_2", "Transpose", dominant=60_000),
    Made("layers.2/Add_3", "ElementWiseAdd"),
    Made("Output", "Output"),
]


def recompiled(content: str, *, tokens: int = 0, ids: int = 0) -> str:
    """The same file with the names that another compile would give."""
    content = re.sub(r"_token_(\d+)", lambda found: f"_token_{int(found[1]) + tokens}", content)
    return re.sub(
        r"(SystemService_\w+?|\$Const)_([0-9a-f]+)\"",
        lambda found: f'{found[1]}_{int(found[2], 16) + ids:x}"',
        content,
    )


def against(before: QhasFile, after: QhasFile) -> CellDiff:
    return compare(Evidence(before), Evidence(after), labels=("a", "b"))


def read(content: str) -> QhasFile:
    return parse_qhas(content.encode(), "qhas.json")


def by_cost(sections: dict[str, Any]) -> dict[str, Any]:
    """The ops in the vendor's order and without their instances: nothing gives the order of the network."""
    data = sections["data"]
    data["qnn_op_instances_nodes"]["data"].sort(key=lambda row: -row["cycles"])
    return sections | {"data": data | {"htp_op_instances": {"data": []}}}


@pytest.mark.parametrize("listed", [dict, by_cost], ids=["with instances", "by cost"])
@pytest.mark.parametrize(
    "moved", [{"tokens": 4}, {"ids": 0x100}, {"tokens": 1, "ids": 1}, {"tokens": 5, "ids": 0xFF0}]
)
def test_a_network_compiled_again_has_no_change_and_no_remark(
    listed: Callable[[dict[str, Any]], dict[str, Any]], moved: dict[str, int]
) -> None:
    content = json.dumps(listed(document(NETWORK)))
    same, again = (
        against(read(content), read(content)),
        against(read(content), read(recompiled(content, **moved))),
    )
    assert (again.contributions, again.circumstances) == ([], [])
    assert (again.sentence, again.remarks) == (same.sentence, same.remarks)
    assert {op.effect for op in again.ops} == {OpEffect.NONE}


def test_what_the_compiler_adds_is_not_counted_as_ops_of_the_network() -> None:
    assert metrics_of(made(NETWORK)).op_counts == {"Conv2d": 1, "Transpose": 2, "ElementWiseAdd": 1}


def test_the_share_of_ops_with_another_data_type_is_of_the_network() -> None:
    halves = [Made(op.name, op.type, op.dominant, dtype="Float16") for op in NETWORK]
    assert "data type QUInt8 → Float16 in 4 of 4 ops" in against(made(NETWORK), made(halves)).sentence


@needs_files
def test_of_a_vendors_file_whose_tokens_moved_only_the_op_that_became_slower_is_told() -> None:
    before, after = VENDOR / "device-resnet50-qhas.json", SHARED / "inputs/qhas-tokens-moved.json"
    diff = against(read_qhas(before), read_qhas(after))
    assert {op.matched for op in diff.ops} == {Matched.NAME}
    assert {op.effect for op in diff.ops} == {OpEffect.NONE}
    assert diff.circumstances == []
    assert [op.name_before for op in diff.ops if op.dominant.change or op.cycles.change] == [
        "/resnet/encoder/stages.3/layers.2/layer/layer.1/convolution/Conv_token_313_2"
    ]
    assert not any("names" in remark for remark in diff.remarks)


@needs_files
@pytest.mark.parametrize("name", ["resnet50", "hvx-int16", "native", "ovl"])
def test_a_vendors_file_compiled_again_is_silent(name: str) -> None:
    content = (VENDOR / f"device-{name}-qhas.json").read_text()
    same = against(read(content), read(content))
    again = against(read(content), read(recompiled(content, tokens=4, ids=0x21)))
    assert (again.contributions, again.circumstances, again.remarks) == ([], [], same.remarks)


@needs_files
def test_services_of_two_builds_of_one_network_are_one_op() -> None:
    diff = against(*(read_qhas(VENDOR / f"device-{name}-qhas.json") for name in ("native", "ovl")))
    assert {op.matched for op in diff.ops} == {Matched.NAME}
    assert metrics_of(read_qhas(VENDOR / "device-native-qhas.json")).op_counts == {"FullyConnected": 8}


@needs_files
def test_no_op_of_the_network_became_a_service_where_only_one_side_lists_instances() -> None:
    diff = against(*(read_qhas(VENDOR / f"device-{name}-qhas.json") for name in ("native", "hvx-int16")))
    assert not any(
        "became SystemService" in part.name or "became Output" in part.name for part in diff.contributions
    )
    assert {op.matched for op in diff.ops if not op.of_network} == {Matched.NAME}


def test_inputs_and_outputs_of_an_older_host_sdk_are_those_of_today() -> None:
    def network(first: str, second: str, output: str) -> list[Made]:
        inputs = [Made(first, "Input", dominant=10_000), Made(second, "Input", dominant=10_000)]
        return [*inputs, Made("conv"), Made(output, "Output", dominant=5000)]

    old = network("Input OpId_2", "Input OpId_5", "Output OpId_3")
    for one, other in (
        (old, network("Input", "Input", "Output")),
        (network("Input", "Input", "Output"), old),
    ):
        found = against(made(one), made(other))
        assert (found.contributions, found.circumstances, found.remarks) == ([], [], [])
        assert {op.matched for op in found.ops} == {Matched.NAME}
