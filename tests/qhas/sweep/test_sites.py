"""Which site runs which cells, and parts that are small enough for a flow parameter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fakes.records import model
from qhas.failures import InvalidInput
from qhas.sweep.expectation import Expectations
from qhas.sweep.forecast import Forecast
from qhas.sweep.sites import Part, SiteRef, load_sites, require_sites, split
from qhas.sweep.spec import Cell
from tests.documents import write_yaml

SOCS = ["sm8650", "sm8750", "sa8255"]
UNKNOWN = Expectations(measured=SOCS)


def site(name: str, socs: dict[str, int], **changes: Any) -> SiteRef:
    return SiteRef.model_validate({"name": name, "deployment": f"sweep/{name}", "socs": socs, **changes})


def cells_of(count: int, soc: str = "sm8750", prefix: str = "net") -> list[Cell]:
    return [Cell(model=model(f"{prefix}{number}"), soc=soc) for number in range(count)]


@st.composite
def racks(draw: st.DrawFn) -> tuple[list[SiteRef], list[Cell], Expectations]:
    """Sites, cells for which some site has devices, and forecasts for some of these cells."""
    have = st.dictionaries(st.sampled_from(SOCS), st.integers(1, 5), min_size=1)
    sites = [site(f"lab{n}", socs) for n, socs in enumerate(draw(st.lists(have, min_size=1, max_size=4)))]
    served = sorted({each.soc for each in sites for each in each.socs})
    picked = draw(st.lists(st.sampled_from(served), max_size=40))
    cells = [Cell(model=model(f"net{n}"), soc=soc) for n, soc in enumerate(picked)]
    known = draw(st.lists(st.one_of(st.none(), st.floats(0, 600)), min_size=len(cells), max_size=len(cells)))
    forecasts = {
        cell.key: Forecast(1.0, seconds)
        for cell, seconds in zip(cells, known, strict=True)
        if seconds is not None
    }
    return sites, cells, Expectations(forecasts, measured=SOCS)


@given(racks())
def test_every_cell_goes_to_exactly_one_site_and_only_where_its_soc_is(
    rack: tuple[list[SiteRef], list[Cell], Expectations],
) -> None:
    sites, cells, expected = rack
    parts = split(cells, sites, expected)
    assert list(parts) == [each.name for each in sites]
    assert sorted(cell.key for part in parts.values() for cell in part) == sorted(cell.key for cell in cells)
    assert all(each.devices(cell.soc) for each in sites for cell in parts[each.name])


@given(racks())
def test_no_site_is_later_than_the_bound_for_any_soc(
    rack: tuple[list[SiteRef], list[Cell], Expectations],
) -> None:
    sites, cells, expected = rack
    parts = split(cells, sites, expected)

    def seconds(some: Any, soc: str) -> list[float]:
        return [expected.of(cell).device for cell in some if cell.soc == soc]

    for soc in {cell.soc for cell in cells}:
        sharing = [each for each in sites if each.devices(soc)]
        total = seconds(cells, soc)
        bound = (sum(total) + (len(sharing) - 1) * max(total)) / sum(each.devices(soc) for each in sharing)
        assert all(
            sum(seconds(parts[each.name], soc)) / each.devices(soc) <= bound + 1e-6 for each in sharing
        )


@given(racks(), st.randoms(use_true_random=False))
def test_the_split_does_not_depend_on_the_order_of_cells(
    rack: tuple[list[SiteRef], list[Cell], Expectations], random: Any
) -> None:
    sites, cells, expected = rack
    shuffled = random.sample(cells, len(cells))
    first, second = split(cells, sites, expected), split(shuffled, sites, expected)
    assert {name: set(map(_key, part)) for name, part in first.items()} == {
        name: set(map(_key, part)) for name, part in second.items()
    }


def _key(cell: Cell) -> str:
    return cell.key


def test_a_site_with_twice_the_devices_gets_twice_the_cells() -> None:
    parts = split(cells_of(12), [site("lab1", {"sm8750": 2}), site("lab2", {"sm8750": 1})], UNKNOWN)
    assert {name: len(part) for name, part in parts.items()} == {"lab1": 8, "lab2": 4}


def test_a_long_cell_weighs_what_it_took_last_time() -> None:
    cells = cells_of(4)
    expected = Expectations({cell.key: Forecast(1.0, 180.0 if cell is cells[2] else 60.0) for cell in cells})
    parts = split(cells, [site("lab1", {"sm8750": 1}), site("lab2", {"sm8750": 1})], expected)
    assert {name: [cell.model.name for cell in part] for name, part in parts.items()} == {
        "lab1": ["net2"],
        "lab2": ["net0", "net1", "net3"],
    }


def test_cells_that_take_no_time_are_shared_by_number() -> None:
    cells = cells_of(6)
    nothing = Expectations({cell.key: Forecast(0.0, 0.0) for cell in cells})
    parts = split(cells, [site("lab1", {"sm8750": 2}), site("lab2", {"sm8750": 1})], nothing)
    assert {name: len(part) for name, part in parts.items()} == {"lab1": 4, "lab2": 2}


def test_a_soc_that_no_site_has_is_refused_with_those_that_they_have() -> None:
    with pytest.raises(InvalidInput, match="No site has devices for sa8255; the sites have sm8650, sm8750"):
        split(cells_of(1, "sa8255"), [site("lab1", {"sm8750": 1}), site("lab2", {"sm8650": 1})], UNKNOWN)


PLAN = cells_of(9)


@given(st.sets(st.integers(0, 8), min_size=1))
def test_a_part_selects_the_cells_it_was_made_of(numbers: set[int]) -> None:
    chosen = [PLAN[number] for number in sorted(numbers)]
    part = Part.model_validate_json(Part.of("lab1", chosen, PLAN).model_dump_json())
    assert part.select(PLAN) == chosen


def test_a_part_reads_like_pages_to_print() -> None:
    assert Part.of("lab1", [PLAN[n] for n in (0, 1, 2, 4, 7, 8)], PLAN).cells == "1-3,5,8-9"


def test_the_worst_part_of_five_thousand_cells_is_far_below_prefects_limit() -> None:
    plan = cells_of(5000)
    part = Part.of("lab1", plan[::2], plan)
    assert len(part.model_dump_json()) < 16_000
    assert part.select(plan) == plan[::2]


def test_a_part_of_another_plan_is_refused() -> None:
    part = Part.of("lab1", PLAN[:2], PLAN)
    with pytest.raises(InvalidInput, match="Site lab1 plans different cells"):
        part.select(list(reversed(PLAN)))


@pytest.mark.parametrize("cells", ["0", "10", "3-2", "1-10", "1-999999999999999999"])
def test_positions_outside_the_plan_are_refused(cells: str) -> None:
    part = Part.of("lab1", PLAN[:2], PLAN).model_copy(update={"cells": cells})
    with pytest.raises(InvalidInput, match="Site lab1 plans different cells"):
        part.select(PLAN)


@pytest.mark.parametrize("cells", ["", "1,", "a", "1--2", "1;2", "-1"])
def test_what_are_no_positions_is_refused(cells: str) -> None:
    with pytest.raises(ValidationError):
        Part(site="lab1", cells=cells, plan="x")


def test_the_example_can_be_read() -> None:
    sites = load_sites(Path(__file__).parents[3] / "examples" / "sites.yaml")
    assert [each.deployment for each in sites] == ["sweep/lab1", "sweep/lab2"]
    assert sites[0].devices("sm8750") > 0
    assert sites[0].devices("no_such_soc") == 0


LAB1 = {"name": "lab1", "deployment": "sweep/lab1", "socs": {"sm8750": 1}}


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        ([], "No site is listed"),
        ([LAB1, LAB1], "different names; lab1"),
        ([LAB1 | {"deployment": "lab1"}], "sites.0.deployment"),
        ([LAB1 | {"socs": {}}], "sites.0.socs"),
        ([LAB1 | {"socs": {"sm8750": 0}}], "sites.0.socs.0.count"),
        ([LAB1 | {"socs": [{"soc": "sm8750"}, {"soc": "sm8750"}]}], "sm8750 is listed twice"),
        ([LAB1 | {"patience": 5}], "patience: no such key"),
    ],
)
def test_sites_that_cannot_be_used_are_refused_in_one_line(
    tmp_path: Path, sites: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        load_sites(write_yaml(tmp_path / "sites.yaml", {"sites": sites}))
    assert "\n" not in str(refused.value)


def test_sites_given_as_parameters_meet_the_same_check() -> None:
    with pytest.raises(InvalidInput, match="different names"):
        require_sites([site("lab1", {"sm8750": 1}), site("lab1", {"sm8650": 1})])
