"""Figures formatted for readers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import qhas
from qhas.units import count, microseconds, number, percent, signed, signed_percent, signed_time, size, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.6, "1.0 kB"),
        (4_096, "4.1 kB"),
        (999_949, "999.9 kB"),
        (999_960, "1.00 MB"),
        (4_194_304, "4.19 MB"),
        (9_999_999, "10.00 MB"),
        (26_400_000, "26.4 MB"),
    ],
)
def test_bytes_are_in_the_largest_unit_that_leaves_a_whole_one(value: float, text: str) -> None:
    assert size(value) == text


def test_times_and_counts_have_thousands_marked() -> None:
    assert (microseconds(1371), microseconds(12.34), count(1_900_000)) == ("1,371 µs", "12.3 µs", "1,900,000")


@pytest.mark.parametrize(
    ("us", "text"),
    [(1900, "+1.9 ms"), (-40, "−40 µs"), (0, "+0 µs"), (-999.6, "−999.6 µs"), (999.97, "+1.0 ms")],
)
def test_a_difference_of_time_has_a_sign_and_a_unit_that_fits(us: float, text: str) -> None:
    assert signed_time(us) == text


def test_differences_of_bytes_and_in_percent_have_a_sign() -> None:
    assert (signed(-1_200_000, size), signed_percent(-9.96), signed_percent(38.4)) == (
        "−1.20 MB",
        "−10.0 %",
        "+38 %",
    )
    assert signed_percent(None) == ""


@pytest.mark.parametrize(
    ("text", "people"),
    [("-0.02", "−0.02"), ("0.02", "0.02"), ("-0.00", "0.00"), ("-7", "−7"), ("1e-05", "1e-05")],
)
def test_a_number_below_zero_has_the_sign_of_a_difference(text: str, people: str) -> None:
    assert number(text) == people


def test_a_difference_that_rounds_to_nothing_is_not_below_it() -> None:
    assert (signed(-0.04, percent), signed_percent(-0.04), signed_time(-0.04)) == (
        "+0.0 %",
        "+0.0 %",
        "+0 µs",
    )


def test_members_of_a_vocabulary_are_words() -> None:
    assert words("qhas_invalid") == "qhas invalid"


def test_signs_of_differences_are_made_in_one_place() -> None:
    plus = re.compile(r":\+[,.0-9]*[fd%g}]")
    sources = (path for path in Path(qhas.__path__[0]).rglob("*") if path.suffix in (".py", ".html"))
    assert [path.name for path in sources if plus.search(path.read_text("utf-8"))] == []
