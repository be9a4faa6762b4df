"""What is expected of a device, and that the shipped table follows from the pairs."""

from __future__ import annotations

import re

import pytest

from qhas.truth.calibration import (
    Expectation,
    Key,
    Unknown,
    as_table,
    expectation,
    recomputed,
    recomputed_table,
    table,
)
from qhas.truth.tables import NetworkClass, Precision, devices, rows

CONVOLUTIONAL = NetworkClass.CONVOLUTIONAL


def test_a_row_of_the_shipped_table_is_what_the_pairs_give() -> None:
    device = devices()[0]
    made = recomputed(device, Precision.W8A8, CONVOLUTIONAL)
    assert made
    shipped = table()[Key(device.name, Precision.W8A8, CONVOLUTIONAL)]
    assert made == shipped


@pytest.mark.slow
def test_the_whole_table_is_what_the_pairs_give() -> None:
    assert recomputed_table() == table()


def test_the_table_is_written_as_it_is_read() -> None:
    names = as_table(table()).splitlines()[0].split("\t")
    assert names == [*rows("calibration.tsv")[0]]
    assert len(as_table(table()).splitlines()) == len(table()) + 1


def test_every_interval_holds_three_quarters_to_seven_eighths_of_networks_left_out() -> None:
    assert {key: one.coverage for key, one in table().items() if not 0.75 <= one.coverage <= 0.85} == {}


def test_a_simulated_time_leads_to_what_the_device_is_expected_to_take() -> None:
    expected = expectation("qcs9100", 1065, Precision.FLOAT, CONVOLUTIONAL)
    assert isinstance(expected, Expectation)
    assert expected.low_ms < 1.092 < expected.high_ms  # the time of mobilenet_v2
    assert re.fullmatch(
        r"1\.\d\d \(0\.9\d to 1\.\d\d\) ms expected on IQ-9075, from \d\d networks", expected.sentence
    )


def test_a_network_of_another_size_than_all_says_so() -> None:
    expected = expectation("qcs9100", 500_000, Precision.FLOAT, CONVOLUTIONAL)
    assert isinstance(expected, Expectation)
    assert expected.sentence.endswith(" networks, none of similar size")


@pytest.mark.parametrize(
    ("soc", "precision", "kind", "sentence"),
    [
        ("sm8550", Precision.FLOAT, CONVOLUTIONAL, "no device was measured for SM8550"),
        (
            "sa7255p",
            Precision.FLOAT,
            CONVOLUTIONAL,
            "no expectation for SA7255P: the library's id 67 is the SA8620P, which it simulates 4 times faster than an "
            "SA7255P is",
        ),
        (
            "sm8750",
            Precision.W8A8,
            NetworkClass.ATTENTION,
            "fewer than 8 attention networks of w8a8 were measured on Galaxy S25: no expectation",
        ),
        (
            "sm8750",
            None,
            CONVOLUTIONAL,
            "no expectation: the network mixes number formats, or uses one in which no network was measured",
        ),
    ],
)
def test_where_nothing_was_measured_it_says_so(
    soc: str, precision: Precision | None, kind: NetworkClass, sentence: str
) -> None:
    assert expectation(soc, 1000, precision, kind) == Unknown(sentence)
