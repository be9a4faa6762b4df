"""What the simulator cannot see: all evidence is from pairs in the tables, and cells to which it applies say so."""

from __future__ import annotations

import pytest

from qhas.truth.blind_spots import BLIND_SPOTS, Evidence, Seen, blind_spots, describe
from qhas.truth.tables import WHEEL, NetworkClass, Precision, Runtime, pairs
from qhas.truth.traits import Traits

PLAIN = Traits(precision=Precision.FLOAT, input_elements=224 * 224 * 3)


def named(traits: Traits, simulated_us: float = 5000, arch: int = 73, **shares: float) -> list[str]:
    return [spot.name for spot in blind_spots(Seen(traits, simulated_us, arch, shares))]


@pytest.mark.parametrize("evidence", [one for spot in BLIND_SPOTS for one in spot.evidence])
def test_evidence_is_what_the_tables_say(evidence: Evidence) -> None:
    (pair,) = [
        pair
        for pair in pairs()
        if pair[0].name == evidence.model
        and (pair.precision, pair.device.name) == (evidence.precision, evidence.device)
        and pair.runtime is Runtime.QNN_DLC
        and pair.soc_model == pair.device.simulated_as
        and (pair.wheel, pair.form, pair.options) == (WHEEL, "", pair.device.options)
    ]
    assert round(pair.ratio, 2) == evidence.ratio


def test_of_a_plain_network_nothing_is_hidden() -> None:
    assert named(PLAIN) == []


@pytest.mark.parametrize(
    ("traits", "simulated_us", "arch", "name"),
    [
        ({"tokens": 384, "kind": NetworkClass.ATTENTION}, 30_000, 73, "long attention"),
        ({"prelus": 33, "precision": Precision.W8A8}, 2000, 79, "PReLU"),
        ({"prelus": 33}, 7000, 81, "PReLU"),
        ({}, 800, 73, "under 1 ms"),
        ({"input_elements": 520 * 520 * 3}, 70_000, 73, "large input"),
        ({"lstms": 36}, 9000, 73, "LSTM"),
    ],
)
def test_a_network_that_has_it_says_so(
    traits: dict[str, object], simulated_us: float, arch: int, name: str
) -> None:
    assert named(PLAIN.model_copy(update=traits), simulated_us, arch) == [name]


@pytest.mark.parametrize(
    ("traits", "arch"),
    [
        ({"tokens": 257, "kind": NetworkClass.ATTENTION}, 73),
        ({"prelus": 33}, 79),
        ({"input_elements": 520 * 520 * 3, "kind": NetworkClass.ATTENTION}, 73),
    ],
)
def test_a_network_that_was_simulated_well_says_nothing(traits: dict[str, object], arch: int) -> None:
    assert named(PLAIN.model_copy(update=traits), arch=arch) == []


def test_average_pools_count_where_they_take_the_time() -> None:
    assert named(PLAIN, PoolAvg2d=95.0) == ["average pools"]
    assert named(PLAIN, PoolAvg2d=4.0) == []


def test_decoding_boxes_counts_where_it_takes_the_time_in_floats() -> None:
    assert named(PLAIN, ElementWiseBinary=88.0) == ["decoded boxes"]
    assert named(PLAIN, ElementWiseBinary=12.0) == []
    assert named(PLAIN.model_copy(update={"precision": Precision.W8A8}), ElementWiseBinary=88.0) == []


def test_a_sentence_names_its_evidence() -> None:
    assert "nasnet float 0.23" in describe(next(spot for spot in BLIND_SPOTS if spot.name == "average pools"))
