"""Two networks of DLCs: what was changed is named, what only follows is not, and names are a hint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.records import record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, CircumstanceKind, Matched, OpEffect
from qhas.diff.network_causes import network_causes
from qhas.diff.network_changes import network_diff
from qhas.runs.record import ModelFacts
from tests.qhas.diff.networks import Layer, convs, network
from tests.qhas.diff.summaries import Made, made

Change = Callable[[list[Layer]], list[Layer]]


def told(before: Sequence[Layer], after: Sequence[Layer]) -> list[str]:
    return [one.sentence for one in network_causes(network_diff(network(before), network(after)))]


def changed(layers: list[Layer], place: int, **changes: object) -> list[Layer]:
    return [*layers[:place], replace(layers[place], **changes), *layers[place + 1 :]]  # type: ignore[arg-type]


def renamed(layers: Sequence[Layer], names: Sequence[str]) -> list[Layer]:
    return [replace(layer, name=name) for layer, name in zip(layers, names, strict=True)]


CONVS = convs(6)
RELU = Layer("act", "ElementWiseNeuron", None, {"operation": "Relu"})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"attributes": {"dilation": [4, 4], "group": 1}}, "dilation 1x1 → 4x4 in Conv2d /Conv_2"),
        ({"attributes": {"dilation": [1, 1], "group": 4}}, "groups 1 → 4 in Conv2d /Conv_2"),
        (
            {"attributes": {"dilation": [1, 1], "group": 1, "pad_amount": [1, 1, 1, 1]}},
            "padding none → 1,1,1,1 in Conv2d /Conv_2",
        ),
        ({"kernel": (5, 5, 32, 32)}, "kernel 3x3 → 5x5 in Conv2d /Conv_2"),
    ],
    ids=str,
)
def test_what_an_author_changed_of_an_op_is_named(changes: dict[str, object], sentence: str) -> None:
    assert told(CONVS, changed(CONVS, 2, **changes)) == [f"network: {sentence}"]


def test_an_activation_that_changed_is_named() -> None:
    after = replace(RELU, attributes={"operation": "Sigmoid"})
    assert told([*CONVS, RELU], [*CONVS, after]) == [
        "network: activation Relu → Sigmoid in ElementWiseNeuron act"
    ]


def test_a_wider_op_is_one_change_and_not_what_reads_it() -> None:
    wider = changed(CONVS, 2, kernel=(3, 3, 32, 33), shape=(1, 8, 8, 33))
    wider = changed(wider, 3, kernel=(3, 3, 33, 32), weights="other")
    assert told(CONVS, wider) == ["network: output channels 32 → 33 in Conv2d /Conv_2"]


def test_a_larger_input_is_one_change_and_not_one_an_op() -> None:
    larger = [replace(layer, shape=(1, 9, 9, 32)) for layer in CONVS]
    found = network_causes(network_diff(network(CONVS), network(larger, image=(1, 9, 9, 32))))
    assert [one.sentence for one in found] == ["network: input x 1x8x8x32 → 1x9x9x32"]


def test_data_types_come_before_the_ops_that_convert_them() -> None:
    before = [Layer("q", "Quantize", None, {}), *CONVS]
    after = [replace(layer, dtype="Float32", weights=f"{layer.weights} float") for layer in CONVS]
    assert told(before, after) == ["data type UFixed8 → Float32 in 6 of 6 ops"]


def test_an_op_that_became_another_is_told_as_that() -> None:
    near = Layer("up", "ResizeNearestNeighbor", None, {})
    linear = replace(near, type="ResizeBilinear")
    assert told([*CONVS, near], [*CONVS, linear]) == [
        "network: ResizeNearestNeighbor up became ResizeBilinear"
    ]


def test_other_weights_alone_are_other_weights() -> None:
    assert told(CONVS, changed(CONVS, 1, weights="new")) == ["other weights in 1 of 6 ops"]


def test_other_scales_alone_are_other_scales() -> None:
    after = changed(CONVS, 1, encoding="8 bit, scale 0.6, offset 0")
    assert told(CONVS, after) == ["other scales of quantised tensors in 1 of 6 ops"]


@given(st.integers(0, 6), st.booleans())
def test_one_op_put_in_is_told_as_that_one_whatever_the_numbers(place: int, retrained: bool) -> None:
    put_in = Layer("new", weights="put in")
    after = renamed([*CONVS[:place], put_in, *CONVS[place:]], [f"/Conv_{n}" for n in range(7)])
    assert told(CONVS, after) == [f"network: Conv2d /Conv_{place} added"]
    assert told(after, CONVS) == [f"network: Conv2d /Conv_{place} removed"]


@given(st.permutations(range(6)))
def test_numbers_that_were_permuted_change_nothing(order: list[int]) -> None:
    after = renamed(CONVS, [f"/Conv_{number}" for number in order])
    assert network_diff(network(CONVS), network(after)).same
    assert network(after).digest == network(CONVS).digest


layer_lists = st.lists(
    st.builds(
        Layer,
        name=st.sampled_from([f"/n_{number}" for number in range(9)]),
        type=st.sampled_from(["Conv2d", "Add", "Pool"]),
        weights=st.sampled_from([None, "a", "b"]),
        attributes=st.sampled_from([{}, {"stride": [1, 1]}, {"stride": [2, 2]}]),
    ),
    max_size=7,
    unique_by=lambda layer: layer.name,
)


@settings(max_examples=40)
@given(layer_lists, layer_lists)
def test_every_op_is_in_one_match_and_the_same_twice_is_the_same(
    before: list[Layer], after: list[Layer]
) -> None:
    found = network_diff(network(before), network(after))
    assert sorted(n.name for op in found.ops for n in op.match.before) == sorted(n.name for n in before)
    assert sorted(n.name for op in found.ops for n in op.match.after) == sorted(n.name for n in after)
    assert network_diff(network(before), network(before)).same


@settings(max_examples=40)
@given(layer_lists, layer_lists)
def test_the_other_way_round_the_same_ops_are_added_and_removed(
    before: list[Layer], after: list[Layer]
) -> None:
    there, back = (network_diff(network(a), network(b)) for a, b in ((before, after), (after, before)))
    for how, opposite in ((Matched.ADDED, Matched.REMOVED), (Matched.REMOVED, Matched.ADDED)):
        assert sum(op.match.how is how for op in there.ops) == sum(
            op.match.how is opposite for op in back.ops
        )


def cells(before: Sequence[Layer], after: Sequence[Layer], ran: tuple[list[Made], list[Made]]) -> CellDiff:
    sides = [
        Evidence(
            made(ops), record(model=ModelFacts(dlc="net.dlc", sha256=digest * 64, size=1)), network(layers)
        )
        for digest, layers, ops in zip("01", (before, after), ran, strict=True)
    ]
    return compare(*sides)


def profiled(layers: Sequence[Layer]) -> list[Made]:
    return [Made(layer.name, layer.type) for layer in layers]


def test_a_profile_is_matched_as_the_networks_are() -> None:
    after = renamed([Layer("new", weights="put in"), *CONVS], [f"/Conv_{n}" for n in range(7)])
    found = cells(CONVS, after, (profiled(CONVS), profiled(after)))
    assert [(op.name_after, op.effect) for op in found.ops if op.effect is not OpEffect.NONE] == [
        ("/Conv_0", OpEffect.ADDED)
    ]
    assert found.cause
    assert found.cause.kind is CircumstanceKind.NETWORK


def test_an_op_of_both_networks_that_one_compiler_did_away_with_is_not_added() -> None:
    layers = [*CONVS, Layer("out", "Dequantize", None, {})]
    found = cells(layers, changed(layers, 0, weights="new"), (profiled(CONVS), profiled(layers)))
    assert [op.effect for op in found.ops if op.name == "out"] == [OpEffect.RECOMPILED]
    assert "added" not in found.sentence


def test_the_same_network_with_other_numbers_is_silent() -> None:
    after = renamed(CONVS, [f"/Conv_{5 - number}" for number in range(6)])
    found = cells(CONVS, after, (profiled(CONVS), profiled(after)))
    assert found.sentence == "The same time on sm8750."
    assert found.cause is None
    (one,) = found.circumstances
    assert one.sentence == "other bytes of the DLC, with the same ops, shapes and weights"


def test_figures_alone_match_by_place_where_it_is_the_numbers_that_moved() -> None:
    sizes = [(1, 8, 8, 4 * size) for size in range(1, 6)]
    before = [Made(f"/Conv_{n}", dims=dims) for n, dims in enumerate(sizes)]
    after = [Made(f"/Conv_{4 - n}", dims=dims) for n, dims in enumerate(sizes)]
    assert compare(Evidence(made(before)), Evidence(made(after))).sentence == "The same time."
