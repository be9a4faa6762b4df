"""A part of a network as a DLC of its own: what it keeps of the original, and what it omits."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.network.cut import cut
from qhas.network.dlc import read_network
from qhas.network.network import Graph, Role
from tests.qhas.network.test_dlc import SAMPLE, content, needs_sample, rewritten

pytestmark = needs_sample


def part(target: Path, ops: list[int], seed: int = 0) -> Graph:
    cut(SAMPLE, target, ops, seed=seed)
    (graph,) = read_network(target).graphs
    return graph


def original() -> Graph:
    (graph,) = read_network(SAMPLE).graphs
    return graph


def shapes(graph: Graph) -> list[object]:
    """Everything that the compiler's decisions depend on, in order: no names and no weights."""
    told: list[object] = []
    for op in graph.ops:
        tensors = [graph.by_name[name] for name in (*op.inputs, *op.outputs)]
        told.append((op.type, op.attributes, [(t.shape, t.dtype, t.encoding, t.role) for t in tensors]))
    return told


def test_all_ops_are_the_same_network_but_for_names_and_weights(tmp_path: Path) -> None:
    whole = part(tmp_path / "part.dlc", list(range(len(original().ops))))
    assert shapes(whole) == shapes(original())


def test_no_name_and_no_weight_of_the_original_is_in_it(tmp_path: Path) -> None:
    before, after = original(), part(tmp_path / "part.dlc", list(range(len(original().ops))))
    names = {before.name, *before.by_name, *(op.name for op in before.ops)}
    written = (tmp_path / "part.dlc").read_bytes()
    assert not [name for name in names if len(name) > 2 and name.encode() in written]
    weights = {tensor.weights for tensor in before.tensors if tensor.weights and tensor.dtype != "Int32"}
    assert weights.isdisjoint(tensor.weights for tensor in after.tensors)


def test_what_a_removed_op_made_is_an_input_and_what_no_op_takes_an_output(tmp_path: Path) -> None:
    for number, op in enumerate(original().ops):
        alone = part(tmp_path / f"{number}.dlc", [number])
        (kept,) = alone.ops
        assert kept.type == op.type
        given = [alone.by_name[name] for name in kept.inputs]
        assert all(tensor.weights or tensor.role is Role.INPUT for tensor in given)
        assert {alone.by_name[name].role for name in kept.outputs} == {Role.OUTPUT}
        assert len(alone.tensors) == len({*kept.inputs, *kept.outputs})


def test_the_same_seed_draws_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.dlc", "b.dlc", "c.dlc")]
    ops = list(range(len(original().ops)))
    graphs = [part(file, ops, seed) for file, seed in zip(files, (1, 1, 2), strict=True)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert graphs[0] != graphs[2]


def test_a_part_of_a_part_is_that_part(tmp_path: Path) -> None:
    ops = list(range(len(original().ops)))
    cut(SAMPLE, tmp_path / "whole.dlc", ops)
    cut(tmp_path / "whole.dlc", tmp_path / "again.dlc", ops[-1:])
    (again,) = read_network(tmp_path / "again.dlc").graphs
    assert shapes(again) == shapes(part(tmp_path / "direct.dlc", ops[-1:]))


@pytest.mark.parametrize("record", ["model", "model.params"])
def test_a_damaged_dlc_is_refused_with_a_sentence(tmp_path: Path, record: str) -> None:
    whole = content(record)
    for length in (0, 8, 20, len(whole) // 2, len(whole) - 8):
        damaged = rewritten(tmp_path / "damaged.dlc", **{record: whole[:length]})
        with pytest.raises(ValueError, match=r"^the network of damaged\.dlc cannot be cut: "):
            cut(damaged, tmp_path / "part.dlc", [0, 1])
