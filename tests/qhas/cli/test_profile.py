"""How `qhas profile` interprets its options."""

from __future__ import annotations

import pytest

from qhas.cli.profile import series
from qhas.naming import check_name


@pytest.mark.parametrize(
    ("quantize", "name"),
    [
        ([], "net"),
        (["float"], "net"),
        (["w8a8"], "net-w8a8"),
        (["w8a16"], "net-w8a16"),
        (["float", "w8a8"], "net"),
    ],
)
def test_history_never_holds_8_bits_against_float(quantize: list[str], name: str) -> None:
    assert series("net", quantize) == name


def test_a_long_name_stays_one() -> None:
    assert check_name(series("n" * 100, ["w8a8"])).endswith("-w8a8")
