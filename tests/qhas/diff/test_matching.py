"""Ops are matched by name, then by type and place."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.diff.matching import match
from qhas.diff.model import Matched
from qhas.diff.ops import Op


def op(name: str, kind: str = "Conv2d") -> Op:
    return Op(name=name, type=kind, place=None, dominant=1, cycles=1, htp_ops=1, dram=0, kinds=Counter())


def told(before: list[Op], after: list[Op]) -> set[tuple[str, str, str]]:
    return {
        (one.how.value, "+".join(o.name for o in one.before), "+".join(o.name for o in one.after))
        for one in match(before, after)
    }


def test_ops_of_one_name_are_the_same_wherever_they_stand() -> None:
    assert told([op("a"), op("b")], [op("b"), op("a")]) == {("name", "a", "a"), ("name", "b", "b")}


def test_a_token_that_moved_is_no_other_name() -> None:
    assert told([op("conv_token_1")], [op("conv_token_17")]) == {("name", "conv_token_1", "conv_token_17")}


def test_names_that_are_ambiguous_without_their_token_are_matched_by_place() -> None:
    before = [op("conv_token_1"), op("conv_token_2")]
    after = [op("conv_token_8"), op("conv_token_9")]
    assert told(before, after) == {
        ("place", "conv_token_1", "conv_token_8"),
        ("place", "conv_token_2", "conv_token_9"),
    }


def test_a_token_with_the_number_of_its_node_is_no_other_name() -> None:
    before, after = "layer/Conv_token_79_2", "layer/Conv_token_83_2"
    assert told([op(before)], [op(after)]) == {("name", before, after)}


def test_a_token_that_moved_onto_that_of_another_op_is_not_taken_for_it() -> None:
    before = [op("Transpose_token_5_2"), op("Transpose_token_1_2")]
    after = [op("Transpose_token_9_2"), op("Transpose_token_5_2")]
    assert told(before, after) == {
        ("place", "Transpose_token_1_2", "Transpose_token_5_2"),
        ("place", "Transpose_token_5_2", "Transpose_token_9_2"),
    }


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("SystemService_ChunkPreload_12b6", "SystemService_ChunkPreload_1269", "SystemService_ChunkPreload"),
        ("SystemService_Other_a", "SystemService_Other_10", "SystemService_Other"),
        ("$Const_11", "$Const_f", "$Const"),
    ],
)
def test_the_id_of_an_op_that_the_compiler_added_is_no_name(before: str, after: str, kind: str) -> None:
    assert told([op(before, kind), op("a")], [op("a"), op(after, kind)]) == {
        ("name", before, after),
        ("name", "a", "a"),
    }


def test_ids_of_several_constants_are_put_in_their_order_as_numbers() -> None:
    before = [op("$Const_9", "$Const"), op("$Const_10", "$Const")]
    after = [op("$Const_1f", "$Const"), op("$Const_a", "$Const")]
    assert told(before, after) == {("place", "$Const_9", "$Const_a"), ("place", "$Const_10", "$Const_1f")}


def test_numbers_that_the_author_wrote_are_kept() -> None:
    assert told([op("MatMul_2"), op("MatMul_3")], [op("MatMul_3"), op("MatMul_2")]) == {
        ("name", "MatMul_2", "MatMul_2"),
        ("name", "MatMul_3", "MatMul_3"),
    }


def test_what_the_compiler_added_never_stands_for_an_op_of_the_network() -> None:
    before = [op("a"), op("matmul", "FullyConnected"), op("b")]
    after = [op("a"), op("SystemService_ChunkPreload_1", "SystemService_ChunkPreload"), op("b")]
    assert {("removed", "matmul", ""), ("added", "", "SystemService_ChunkPreload_1")} <= told(before, after)


def test_renamed_ops_are_matched_by_type_between_those_that_kept_their_name() -> None:
    before = [op("a"), op("old1"), op("b", "Add"), op("old2"), op("c")]
    after = [op("a"), op("new1"), op("b", "Add"), op("new2"), op("c")]
    assert {("place", "old1", "new1"), ("place", "old2", "new2")} <= told(before, after)


def test_an_op_between_two_neighbours_that_became_others_is_replaced_by_them() -> None:
    before = [op("a"), op("swish", "HardSwish"), op("b")]
    after = [op("a"), op("add", "Add"), op("clip", "Clip"), op("mul", "Mul"), op("b")]
    assert ("replaced", "swish", "add+clip+mul") in told(before, after)


def test_what_is_new_and_what_is_gone_is_said() -> None:
    assert told([op("a"), op("b"), op("z")], [op("a"), op("z"), op("n", "Mul")]) == {
        ("name", "a", "a"),
        ("name", "z", "z"),
        ("removed", "b", ""),
        ("added", "", "n"),
    }


def test_two_empty_networks_have_no_matches() -> None:
    assert match([], []) == []


names = st.lists(
    st.tuples(st.sampled_from(["a", "b_token_1", "b_token_2", "c", "d"]), st.sampled_from(["Conv2d", "Add"])),
    unique_by=lambda pair: pair,
    max_size=8,
).map(lambda pairs: [op(*pair) for pair in pairs])


@given(names, names)
def test_every_op_is_in_exactly_one_match(before: list[Op], after: list[Op]) -> None:
    matches = match(before, after)
    assert Counter((o.name, o.type) for m in matches for o in m.before) == Counter(
        (o.name, o.type) for o in before
    )
    assert Counter((o.name, o.type) for m in matches for o in m.after) == Counter(
        (o.name, o.type) for o in after
    )
    assert all(bool(m.before) != (m.how is Matched.ADDED) for m in matches)
