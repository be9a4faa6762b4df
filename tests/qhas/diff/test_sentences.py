"""What a sentence may say: only numbers in its data, each cause once, remarks that agree with the time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cause_numbers import strangers
from fakes.records import model, record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, CircumstanceKind, Outcome
from qhas.profile.qhas_file import QhasFile, read_qhas
from qhas.runs.record import CellRecord, EffectiveOptions, ModelFacts, SdkFacts
from qhas.site.sdk import SdkKind
from qhas.sweep.spec import Cell, PrepareOptions
from tests.qhas.diff.summaries import Made, made

INPUTS = Path(__file__).parents[4] / "shared" / "inputs"
REMARKS = [INPUTS / "remark-aic100.json.gz", INPUTS / "remark-sa8255.json.gz"]
OPPOSITE = {Outcome.WORSE: Outcome.BETTER, Outcome.BETTER: Outcome.WORSE, Outcome.SAME: Outcome.SAME}
NETWORK = [Made(f"conv{number}") for number in range(6)]

ops = st.lists(
    st.builds(
        Made,
        name=st.sampled_from([f"op_{number}" for number in range(8)]),
        type=st.sampled_from(["Conv2d", "Add", "Mul"]),
        dominant=st.integers(0, 10**6),
        dram=st.integers(0, 10**6),
        dims=st.sampled_from([(1, 8, 8, 32), (1, 8, 8, 64)]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda op: op.name,
)


@settings(max_examples=20)
@given(ops, ops)
def test_every_number_of_every_sentence_stands_in_the_data(before: list[Made], after: list[Made]) -> None:
    assert not strangers(compare(Evidence(made(before)), Evidence(made(after))))


@settings(max_examples=20)
@given(ops, ops)
def test_the_other_way_round_signs_are_turned_and_nothing_else(before: list[Made], after: list[Made]) -> None:
    sides = Evidence(made(before)), Evidence(made(after))
    there, back = compare(*sides), compare(*reversed(sides))
    assert back.verdict is OPPOSITE[there.verdict]
    assert sorted(part.cycles for part in there.contributions) == sorted(
        -part.cycles for part in back.contributions
    )
    assert [one.kind for one in there.circumstances] == [one.kind for one in back.circumstances]


@settings(max_examples=20)
@given(ops, ops)
def test_a_part_is_pointed_at_once_and_never_counted_twice(before: list[Made], after: list[Made]) -> None:
    sentence = compare(Evidence(made(before)), Evidence(made(after))).sentence
    assert sentence.count("that alone") == sentence.count("; that alone") <= 1
    assert "(+0 µs)" not in sentence
    assert "(−0 µs)" not in sentence
    assert not any(f"{count} {other} Conv2d" in sentence for count in range(2, 9) for other in range(2, 9))


def test_a_part_that_rounds_to_no_time_is_left_out_where_parts_outweigh_each_other() -> None:
    def side(conv: int, add: int, idle: int) -> Evidence:
        return Evidence(
            made([Made("conv", dominant=conv), Made("add", dominant=add)], idle=idle, graph_execute_us=None)
        )

    sentence = compare(side(100_000, 200_000, 10), side(200_000, 100_000, 11)).sentence
    assert "conv" in sentence
    assert "idle" not in sentence


@pytest.mark.parametrize("percent", [2.9, 2.95, 3.05, 3.2])
def test_the_threshold_is_the_same_both_ways(percent: float) -> None:
    def took(cycles: int) -> QhasFile:
        return made([Made("conv", dominant=cycles)], idle=1, graph_execute_us=None)

    slow = took(round(100_000_000 * (1 + percent / 100)))
    there, back = (
        compare(Evidence(a), Evidence(b)) for a, b in ((took(100_000_000), slow), (slow, took(100_000_000)))
    )
    assert back.verdict is OPPOSITE[there.verdict]
    assert (there.verdict is Outcome.SAME) is (percent < 3)


@pytest.mark.skipif(not all(path.is_file() for path in REMARKS), reason="the shared inputs are not here")
def test_a_total_misleads_by_the_time_and_not_by_cycles_of_other_clocks() -> None:
    sides = [Evidence(read_qhas(path)) for path in REMARKS]
    for pair in (sides, sides[::-1]):
        found = compare(pair[0], pair[1])
        time = found.figure("time_us")
        assert time
        slower = "took longer" if (time.change or 0) > 0 else "was faster"
        misleading = [remark for remark in found.remarks if remark.startswith("The total misleads")]
        assert all(remark.endswith(f"the inference {slower}.") for remark in misleading)
        assert not strangers(found)


def with_options(
    effective: EffectiveOptions | None, sdk: str = "2.48", soc: str = "sm8750", **asked: object
) -> CellRecord:
    return record(
        cell=Cell(model=model(), soc=soc, prepare=PrepareOptions.model_validate(asked)),
        sdk=SdkFacts(kind=SdkKind.VENDOR, version=sdk),
        model=ModelFacts(dlc="net.dlc", sha256="0" * 64, size=1),
        effective=effective,
    )


def ran(before: CellRecord, after: CellRecord) -> CellDiff:
    slower = [replace(op, dominant=op.dominant * 2) for op in NETWORK]
    return compare(Evidence(made(NETWORK), before), Evidence(made(slower), after))


def test_a_default_that_changed_between_two_sdks_is_a_cause_like_any_other() -> None:
    found = ran(
        with_options(EffectiveOptions(vtcm_mib=4)), with_options(EffectiveOptions(vtcm_mib=8), sdk="2.49")
    )
    assert [one.kind for one in found.circumstances] == [CircumstanceKind.VTCM, CircumstanceKind.SDK]
    assert "VTCM 4 → 8 MiB (the SDK's default) and SDK vendor 2.48 → vendor 2.49" in found.sentence


def test_an_option_that_was_written_out_at_its_default_changes_nothing() -> None:
    eight = EffectiveOptions(vtcm_mib=8, optimization_level=2)
    found = ran(with_options(eight), with_options(eight, vtcm_mb=8, optimization_level=2))
    assert not found.circumstances


def test_what_was_not_told_is_compared_as_it_was_asked_for() -> None:
    found = ran(with_options(None, vtcm_mb=8), with_options(None))
    assert [one.sentence for one in found.circumstances] == ["VTCM 8 MiB → the SDK's default"]


def test_of_two_socs_the_defaults_are_theirs() -> None:
    found = ran(
        with_options(EffectiveOptions(vtcm_mib=8)), with_options(EffectiveOptions(vtcm_mib=16), soc="sm8650")
    )
    assert [one.kind for one in found.circumstances] == [CircumstanceKind.SOC]
