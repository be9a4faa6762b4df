"""Two networks from DLCs: changes are named, their mere consequences are not, and names are only a hint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.records import record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, CircumstanceKind, Matched, OpEffect
from qhas.diff.network_causes import network_causes
from qhas.diff.network_changes import network_diff
from qhas.network.network import Graph, Network, Tensor
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
    assert told(CONVS, changed(CONVS, 1, weights="new")) == ["different weights in 1 of 6 ops"]


def test_other_scales_alone_are_other_scales() -> None:
    after = changed(CONVS, 1, encoding="8 bit, scale 0.6, offset 0")
    assert told(CONVS, after) == ["different scales of quantised tensors in 1 of 6 ops"]


def test_constants_of_an_op_without_weights_are_other_constants() -> None:
    slopes = [Layer("act", "Prelu", "slope", {})]
    assert told(slopes, changed(slopes, 0, weights="steeper")) == ["different constants in 1 of 1 ops"]


def test_an_8_bit_op_whose_folded_relu_is_gone_is_told_and_what_follows_is_not() -> None:
    before = [*CONVS[:2], Layer("pool", "Pool", None, {})]
    after = [replace(layer, encoding="8 bit, scale 0.9, offset -120") for layer in before]
    gone = ["results that reach below zero (as without a folded ReLU) in 2 of 3 ops"]
    back = ["results that no longer reach below zero (as with a folded ReLU) in 2 of 3 ops"]
    assert told(before, after) == gone
    assert told(after, before) == back


def rebuilt(network: Network, **changes: Callable[[Any], Any]) -> Network:
    """The network with functions applied to its last op's fields and to its `tensors`."""
    (graph,) = network.graphs
    tensors = changes.pop("tensors", lambda each: each)(graph.tensors)
    last = graph.ops[-1].model_copy(
        update={name: change(getattr(graph.ops[-1], name)) for name, change in changes.items()}
    )
    ops = (*graph.ops[:-1], last)
    return Network(graphs=(Graph(name=graph.name, ops=ops, tensors=tensors),))


def causes(before: Network, after: Network) -> list[str]:
    return [cause.sentence for cause in network_causes(network_diff(before, after))]


def test_weights_quantised_by_channel_are_not_said_to_be_others() -> None:
    def by_channel(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(
            tensor.model_copy(update={"encoding": "of 32 channels, 12ab", "weights": f"{tensor.weights}'"})
            if tensor.weights
            else tensor
            for tensor in tensors
        )

    def by_tensor(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(
            tensor.model_copy(update={"encoding": "8 bit, scale 0.1, offset 0"}) if tensor.weights else tensor
            for tensor in tensors
        )

    whole = rebuilt(network(CONVS), tensors=by_tensor)
    apart = rebuilt(network(CONVS), tensors=by_channel)
    assert causes(whole, apart) == ["weights quantised by channel in 6 of 6 ops"]
    assert causes(apart, whole) == ["weights quantised by tensor in 6 of 6 ops"]


def with_bias(network: Network) -> Network:
    bias = Tensor(name="bias", shape=(32,), dtype="SFixed32", weights="b")
    return rebuilt(network, inputs=lambda names: (*names, "bias"), tensors=lambda each: (*each, bias))


def test_a_bias_that_comes_or_goes_is_told() -> None:
    without = network(CONVS)
    assert causes(with_bias(without), without) == ["network: bias removed in Conv2d /Conv_5"]
    assert causes(without, with_bias(without)) == ["network: bias added in Conv2d /Conv_5"]


def test_another_number_of_results_of_other_types_is_told_and_breaks_nothing() -> None:
    split = network([*CONVS, Layer("split", "Split", None, {"axis": 3})])
    more = tuple(Tensor(name=f"more{number}", shape=(1, 8, 8, 16), dtype="Float32") for number in (1, 2))
    three = rebuilt(
        split,
        outputs=lambda names: (*names, *(tensor.name for tensor in more)),
        tensors=lambda each: (*each, *more),
    )
    assert causes(split, three) == ["network: 1 → 3 results in Split split"]
    assert causes(three, split) == ["network: 3 → 1 results in Split split"]


def test_channels_that_several_convolutions_were_given_are_told_of_all_of_them() -> None:
    wide = [
        replace(layer, kernel=(3, 3, 32 if number == 0 else 48, 48), shape=(1, 8, 8, 48))
        for number, layer in enumerate(CONVS)
    ]
    assert told(CONVS, wide) == ["network: output channels 32 → 48 in 6 Conv2d"]


def test_real_numbers_that_one_side_did_not_have_right_are_no_change() -> None:
    clip = Layer("clip", "ElementWiseNeuron", None, {"operation": "ReluMinMax", "max_value": 6.0})
    exact = network([clip]).model_copy(update={"exact": True})
    former = network([replace(clip, attributes=clip.attributes | {"max_value": 0.0})])
    tighter = network([replace(clip, attributes=clip.attributes | {"max_value": 4.0})])
    assert network_diff(former, exact).same
    assert causes(exact, tighter.model_copy(update={"exact": True})) == [
        "network: max value 6.0 → 4.0 in ElementWiseNeuron clip"
    ]


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


CONCATS = [*CONVS, *(Layer(f"join{number}", "Concat", None, {}) for number in range(2))]
ADDS = [replace(layer, type="Add") if layer.type == "Concat" else layer for layer in CONCATS]


def test_that_alone_is_said_only_of_all_that_was_changed() -> None:
    """Of two ops that became others, the profile before has only one: the rest of the change is named by itself."""
    found = cells(CONCATS, ADDS, (profiled(CONCATS[:-1]), profiled(ADDS)))
    assert found.cause
    assert found.cause.sentence == "network: 2 Concat became Add"
    assert "that alone" not in found.sentence
    assert "Add join1 replacing other ops" in found.sentence
    back = cells(ADDS, CONCATS, (profiled(ADDS), profiled(CONCATS[:-1])))
    assert "Add join1 replaced by other ops" in back.sentence
    one = cells(CONVS, [*CONVS, RELU], (profiled(CONVS), profiled([*CONVS, RELU])))
    assert "network: ElementWiseNeuron act added; that alone" in one.sentence


def test_two_changes_of_which_one_carries_the_time_are_not_that_alone() -> None:
    after = [*changed(CONVS, 1, attributes={"dilation": [2, 2], "group": 1}), RELU]
    found = cells(CONVS, after, (profiled(CONVS), profiled(after)))
    assert "ElementWiseNeuron act added; ElementWiseNeuron act added (" in found.sentence


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
    assert one.sentence == "different bytes in the DLC, with the same ops, shapes and weights"


def test_figures_alone_match_by_place_where_it_is_the_numbers_that_moved() -> None:
    sizes = [(1, 8, 8, 4 * size) for size in range(1, 6)]
    before = [Made(f"/Conv_{n}", dims=dims) for n, dims in enumerate(sizes)]
    after = [Made(f"/Conv_{4 - n}", dims=dims) for n, dims in enumerate(sizes)]
    assert compare(Evidence(made(before)), Evidence(made(after))).sentence == "The same time."
