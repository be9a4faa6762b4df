"""An inference by nodes and by modules, on pages and in comparisons."""

from __future__ import annotations

from collections.abc import Mapping

from fakes.records import record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.network.network import Role
from qhas.report.by_source import ROOT, BySource, by_source
from qhas.report.op_row import OpRow
from qhas.report.ops import network_ops, op_tables
from qhas.source.level import Level
from qhas.source.source_map import Evidence as Shown
from qhas.source.source_map import MappedOp, SourceMap, SourceNode
from qhas.source.transfers import Transfer
from tests.qhas.diff.summaries import Made, made
from tests.qhas.report.cell_pages import page_of

MODULES = {"a": "block.0.fc1", "b": "block.0.fc2", "c": "block.1.fc1", "d": ""}


def sources(modules: Mapping[str, str | None]) -> SourceMap:
    nodes = [
        SourceNode(name=f"node_{name}", type="Gemm", module=path, file="/home/me/net.py", line=7)
        for name, path in modules.items()
    ]
    ops = {name: MappedOp(nodes=(place,), evidence=Shown.NAME) for place, name in enumerate(modules)}
    return SourceMap(nodes=tuple(nodes), ops=ops)


NETWORK = [Made(name, dominant=cycles) for name, cycles in zip("abcde", (500, 300, 100, 60, 40), strict=True)]


def rows(level: Level, depth: int | None = None, modules: Mapping[str, str | None] = MODULES) -> BySource:
    return by_source(network_ops(Evidence(made(NETWORK), sources=sources(modules))), level, depth)


def test_modules_are_ranked_by_their_share_of_the_dominant_path() -> None:
    found = rows(Level.MODULE)
    assert [(row.name, row.dominant) for row in found.rows] == [
        ("block.0.fc1", 500),
        ("block.0.fc2", 300),
        ("block.1.fc1", 100),
        (ROOT, 60),
    ]


def test_modules_below_one_stand_in_its_row() -> None:
    found = rows(Level.MODULE, 2)
    assert [(row.name, row.dominant, row.ops) for row in found.rows][:2] == [
        ("block.0", 800, 2),
        ("block.1", 100, 1),
    ]


def test_what_is_not_mapped_is_listed_with_its_share() -> None:
    found = rows(Level.MODULE)
    assert [op.name for op in found.unknown] == ["e"]
    assert (found.known_percent, found.share(found.unknown)) == (96.0, 4.0)


def test_a_node_without_a_module_is_known_as_a_node_alone() -> None:
    modules = {"a": None, "b": None}
    assert [row.name for row in rows(Level.NODE, modules=modules).rows] == ["node_a", "node_b"]
    assert not rows(Level.MODULE, modules=modules).rows


def test_ends_of_the_network_are_no_unknown_ops() -> None:
    ends = [OpRow("Input", "Input", 1.0, 10, 10, 1, 0, 0), OpRow("$Const_1", "$Const", 0.0, 0, 0, 1, 0, 0)]
    found = by_source(ends, Level.NODE)
    assert not found.unknown
    assert len(found.ends) == 2


def test_an_input_stands_with_the_node_that_takes_it_and_all_shares_are_100() -> None:
    ends = [Made("Input", "Input", dominant=30), Made("$Const_1", "$Const", dominant=3)]
    moved = [Transfer(Role.INPUT, ["image"], ["a"], 20), Transfer(Role.OUTPUT, ["x", "y"], [], 10)]
    by_node, by_module = (
        by_source(
            network_ops(Evidence(made([*NETWORK, *ends]), sources=sources(MODULES))),
            level,
            2,
            moved,
            sources(MODULES),
        )
        for level in Level
    )
    assert [str(row) for row in by_node.transfers] == ["input image for node_a", "output x or y"]
    assert [str(row) for row in by_module.transfers] == ["input image for block.0", "output x or y"]
    assert by_node.shares == (92.9, 2.9, 4.2)
    assert "at nodes, 2.9 % at inputs and outputs, 4.2 % not mapped" in by_node.summary


def test_the_page_of_a_cell_names_node_module_and_line() -> None:
    page = page_of(record(), ops=op_tables(Evidence(made(NETWORK), sources=sources(MODULES))))
    shares = "96.0 % in modules, 0.0 % at inputs and outputs, 4.0 % not mapped"
    for text in ("node_a", "block.0.fc1", "net.py:7", "Modules of the program", "e (4.0 %)", shares):
        assert text in page.text


def test_a_page_of_a_dlc_has_no_such_columns() -> None:
    assert "ONNX node" not in page_of(record(), ops=op_tables(Evidence(made(NETWORK)))).text


def test_a_comparison_names_the_module_of_a_slower_op() -> None:
    slower = [Made("a", dominant=900_000), *NETWORK[1:]]
    sides = [Evidence(made(ops), sources=sources(MODULES)) for ops in (NETWORK, slower)]
    found = compare(*sides)
    assert "a in block.0.fc1" in found.sentence
    assert found.ops[0].module == "block.0.fc1"


def test_ops_that_changed_alike_are_placed_in_the_module_that_holds_them() -> None:
    slower = [Made(op.name, dominant=op.dominant + 90_000) if op.name in "ab" else op for op in NETWORK]
    sides = [Evidence(made(ops), sources=sources(MODULES)) for ops in (NETWORK, slower)]
    assert "2 Conv2d in block.0" in compare(*sides).sentence
