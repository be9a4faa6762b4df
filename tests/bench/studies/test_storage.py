"""The store is compared with other clients, from the figures of several rounds."""

from __future__ import annotations

import pytest

from bench.studies.storage import _against_the_best


def figures(client: str, *seconds: float, case: str = "1 x 2000 MB") -> list[dict[str, object]]:
    return [{"case": case, "direction": "up", "client": client, "seconds": each} for each in seconds]


def test_the_store_is_held_against_the_client_with_the_best_median_round_by_round() -> None:
    measured = [*figures("store", 4, 10, 8), *figures("quick", 4, 8, 8), *figures("slow", 1, 20, 20)]
    (found,) = _against_the_best(measured)
    assert (found["client"], found["direction"], found["ratio"]) == ("quick", "up", pytest.approx(1.0))


def test_every_case_has_a_share_of_its_own() -> None:
    measured = [
        *figures("store", 2),
        *figures("other", 1),
        *figures("store", 1, case="small"),
        *figures("other", 2, case="small"),
    ]
    assert {one["case"]: one["ratio"] for one in _against_the_best(measured)} == {
        "1 x 2000 MB": 0.5,
        "small": 2,
    }


def test_without_the_store_or_another_client_there_is_no_share() -> None:
    assert list(_against_the_best(figures("store", 1))) == []
    assert list(_against_the_best(figures("other", 1))) == []
