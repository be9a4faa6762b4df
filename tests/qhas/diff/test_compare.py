"""Two summaries: differences add up, the true cause comes first, and what the figures cannot show is not claimed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.profiles import core
from fakes.records import runtrace
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, CircumstanceKind, OpEffect, Outcome, Part
from qhas.failures import InvalidInput
from qhas.profile.metrics import Latency
from qhas.profile.qhas_file import QhasFile, parse_qhas
from qhas.runs.record import Origin
from tests.qhas.diff.pairs import NETWORK, cell_record, diff, with_records
from tests.qhas.diff.summaries import Made, document, made

FORMAT_CHANGE = {"q::ConvLayer.opt": 4, "q::ForceFormat_Crouton": 1}


def latency(median: float) -> Latency:
    samples = [median] * 5
    return Latency(
        samples_us=samples,
        median_us=median,
        p90_us=median,
        min_us=median,
        warmups=3,
        perf_profile="burst",
        source="test",
    )


def test_the_same_twice_is_the_same_and_has_no_contributions() -> None:
    same = diff(NETWORK, NETWORK)
    assert same.verdict is Outcome.SAME
    assert (same.contributions, same.circumstances, same.htp_ops) == ([], [], [])
    assert same.sentence == "The same time."


def test_ops_that_gained_a_format_change_are_named_with_their_number_and_their_time() -> None:
    slower = [replace(op, dominant=op.dominant + 70_000, kinds=FORMAT_CHANGE) for op in NETWORK[:6]]
    found = diff(NETWORK, [*slower, NETWORK[6]])
    assert found.verdict is Outcome.WORSE
    assert "6 Conv2d gained a format change (+299.9 µs)" in found.sentence
    assert "format changes 0 → 6" in found.sentence
    assert found.contributions[0].effect is OpEffect.FORMAT_CHANGE_GAINED
    assert found.contributions[0].cycles == 420_000


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        ({"kinds": {"q::ConvLayer.ref": 4}}, OpEffect.REFERENCE_GAINED),
        ({"hmx": False}, OpEffect.HMX_LOST),
        ({"dram": 90_000}, OpEffect.MORE_DRAM),
        ({"dram": 10_000, "dominant": 50_000}, OpEffect.LESS_DRAM),
        ({"dram": 10_000}, OpEffect.NONE),
        ({"kinds": {"q::ForceFormat": 4}}, OpEffect.FORMAT_CHANGE_GAINED),
        ({"kinds": {"q::ForceFormat": 4}, "dominant": 50_000}, OpEffect.RECOMPILED),
        ({"kinds": {"q::ConvLayer.opt": 9}}, OpEffect.RECOMPILED),
        ({"dtype": "Float16"}, OpEffect.DATA_TYPE),
        ({"dims": (1, 8, 8, 64)}, OpEffect.RESHAPED),
        ({}, OpEffect.NONE),
    ],
    ids=str,
)
def test_what_happened_to_an_op_is_told_beside_its_time(change: dict[str, Any], effect: OpEffect) -> None:
    other = replace(NETWORK[0], **({"dominant": 200_000} | change))
    found = diff(NETWORK, [other, *NETWORK[1:]])
    assert found.ops[0].name == "conv0"
    assert found.ops[0].effect is effect


ops = st.lists(
    st.builds(
        Made,
        name=st.sampled_from([f"op{number}" for number in range(8)]),
        type=st.sampled_from(["Conv2d", "Add", "Mul"]),
        dominant=st.integers(0, 10**6),
        dram=st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda op: op.name,
)


@given(ops, ops, st.integers(1, 10**5), st.integers(1, 10**5))
def test_contributions_add_up_whatever_the_networks(
    before: list[Made], after: list[Made], idle: int, other_idle: int
) -> None:
    found = compare(Evidence(made(before, idle=idle)), Evidence(made(after, idle=other_idle)))
    cycles, time = found.figure("timeline_cycles"), found.figure("time_us")
    assert cycles
    assert time
    assert sum(part.cycles for part in found.contributions) == pytest.approx(cycles.change)
    assert sum(part.us for part in found.contributions) == pytest.approx(time.change, abs=1e-6)
    assert not [part for part in found.contributions if part.part is Part.UNNAMED]


@given(ops, ops)
def test_a_comparison_that_lists_no_ops_says_the_same(before: list[Made], after: list[Made]) -> None:
    sides = Evidence(made(before)), Evidence(made(after))
    listed = compare(*sides)
    assert listed.ops
    assert compare(*sides, rows=False) == listed.model_copy(update={"ops": [], "htp_ops": []})


def test_cycles_of_no_op_are_a_part_of_their_own_and_remarked_on() -> None:
    found = diff(NETWORK, NETWORK, timeline_cycles=900_000)
    assert {part.part for part in found.contributions} >= {Part.UNNAMED}
    assert any("to no op" in remark for remark in found.remarks)


def test_a_slower_clock_is_told_apart_from_more_cycles() -> None:
    found = diff(NETWORK, NETWORK, graph_execute_us=1000, time_us=1300)
    assert [part.part for part in found.contributions] == [Part.CLOCK]
    assert found.cause
    assert found.cause.kind is CircumstanceKind.CLOCK
    assert "MHz" not in found.sentence  # no clock is stated: cycles of a graph over its time are not one


@pytest.mark.parametrize(("graph_us", "other"), [(504, False), (512, False), (530, True), (480, True)])
def test_another_clock_is_seen_only_beyond_what_the_graphs_start_and_end_take(
    graph_us: int, other: bool
) -> None:
    found = diff(NETWORK, NETWORK, graph_execute_us=graph_us)
    assert (found.cause is not None) is other


def test_the_clock_is_the_runtraces() -> None:
    sides = [(507, 0.5, 1600.0, 300), (1014, 1.0, 800.0, 900)]
    before, after = (
        Evidence(
            made(NETWORK, graph_execute_us=us, time_us=us + start_up),
            beside=runtrace(us, 350 * slower, clock),
        )
        for us, slower, clock, start_up in sides
    )
    found = compare(before, after)
    clock = found.figure("clock_mhz")
    assert clock
    assert (clock.before, clock.after) == (1600, 800)
    assert found.cause
    assert found.cause.sentence == "clock 1,600 → 800 MHz"
    assert {part.part for part in found.contributions} == {Part.CLOCK, Part.AROUND, Part.START_UP}
    assert sum(part.us for part in found.contributions) == pytest.approx(507 + 600)


def test_start_up_is_no_op_and_no_clock_and_decides_nothing() -> None:
    found = diff(NETWORK, NETWORK, time_us=2000)
    assert [part.part for part in found.contributions] == [Part.START_UP]
    assert (found.time.name, found.verdict) == ("graph_us", Outcome.SAME)
    assert "which is not judged" in found.sentence


def test_vtcm_acquire_and_power_up_are_parts_of_their_own() -> None:
    slow = runtrace(400)
    slow.inferences[0].phases[1].us, slow.inferences[0].phases[2].us = 100, 740
    found = compare(
        Evidence(made(NETWORK, graph_execute_us=400, time_us=700), beside=runtrace(400)),
        Evidence(made(NETWORK, graph_execute_us=400, time_us=1240), beside=slow),
    )
    assert [(part.part, part.us) for part in found.contributions] == [
        (Part.POWER_UP, 500),
        (Part.VTCM_ACQUIRE, 40),
    ]
    assert (found.time.name, found.verdict) == ("warm_us", Outcome.SAME)


@pytest.mark.parametrize(("warm", "verdict"), [(200, Outcome.BETTER), (500, Outcome.WORSE)])
def test_warm_inferences_decide_before_the_cold_one(warm: float, verdict: Outcome) -> None:
    found = compare(
        Evidence(made(NETWORK, graph_execute_us=400, time_us=700), beside=runtrace(400, 350)),
        Evidence(made(NETWORK, graph_execute_us=400, time_us=1240), beside=runtrace(400, warm)),
    )
    assert found.verdict is verdict
    assert found.sentence.startswith("Warm graph time ")


def test_of_files_that_do_not_tell_the_graphs_own_time_the_cycles_decide() -> None:
    found = diff(NETWORK, NETWORK, graph_execute_us=None, time_us=5000)  # one side only: used for neither
    assert (found.time.name, found.verdict) == ("timeline_cycles", Outcome.SAME)
    assert "not judged" not in found.sentence
    assert [part.part for part in found.contributions] == [Part.CLOCK]
    slower = [replace(op, dominant=2 * op.dominant) for op in NETWORK]
    found = diff(NETWORK, slower, graph_execute_us=None, time_us=500)
    assert found.verdict is Outcome.WORSE
    assert found.sentence.startswith("+700,000 cycles (+99 %)")


def test_a_cold_graph_that_took_fewer_cycles_and_more_time_is_remarked_on() -> None:
    faster = [replace(op, dominant=op.dominant // 2) for op in NETWORK]
    found = diff(NETWORK, faster, graph_execute_us=800, time_us=1000)
    assert found.verdict is Outcome.WORSE
    assert any("the clock was different" in remark for remark in found.remarks)


def test_a_runtrace_of_another_run_is_left_out_and_said() -> None:
    found = compare(
        Evidence(made(NETWORK, graph_execute_us=400), beside=runtrace(4000)),
        Evidence(made(NETWORK, graph_execute_us=400), beside=runtrace(400)),
    )
    assert found.time.name == "graph_us"
    assert any("a different run" in remark for remark in found.remarks)


def test_a_total_that_moves_against_the_time_is_pointed_out() -> None:
    after = [replace(op, dominant=op.dominant + 30_000, dram=op.dram // 2) for op in NETWORK]
    assert (
        "The total misleads: 50 % fewer DRAM reads, and the inference took longer."
        in diff(NETWORK, after).remarks
    )


def test_the_verdict_is_of_the_latency_and_the_parts_are_of_the_first_inference() -> None:
    found = with_records(cell_record(latency=latency(1000)), cell_record(latency=latency(1100)))
    assert found.verdict is Outcome.WORSE
    assert found.sentence.startswith("Latency +100 µs (+10 %) on sm8750: graph of the first inference +0 µs")
    assert any("first, cold" in remark for remark in found.remarks)


def test_measured_and_simulated_figures_are_never_compared() -> None:
    with pytest.raises(InvalidInput, match=r"never compared"):
        with_records(cell_record(), cell_record(origin=Origin.SIMULATOR))


def test_of_several_cores_the_one_that_ends_last_is_explained() -> None:
    def on_two_cores(second: int) -> QhasFile:
        content = document(NETWORK)
        sections = content["data"]
        sections["htp_overall_summary"]["data"].append(core(1, timeline_cycles=second, percent_idle=0.0))
        for row in sections["qnn_op_instances_nodes"]["data"][:1]:
            row["num_dominant_path_cycles_htp_1"] = second
        return parse_qhas(json.dumps(content).encode(), "two.json")

    found = compare(Evidence(on_two_cores(1_000_000)), Evidence(on_two_cores(1_300_000)))
    assert [(part.ops, part.cycles) for part in found.contributions if part.part is Part.OPS] == [
        (["conv0"], 300_000)
    ]


def test_a_change_within_the_threshold_is_none() -> None:
    after = [replace(NETWORK[0], dominant=101_000), *NETWORK[1:]]
    assert diff(NETWORK, after).verdict is Outcome.SAME
    assert diff(after, NETWORK).verdict is Outcome.SAME


def test_a_file_without_instances_is_compared_by_what_it_has() -> None:
    bare = made(NETWORK).model_copy(update={"htp_ops": (), "missing": ("htp_op_instances",)})
    found = compare(Evidence(bare), Evidence(bare))
    assert found.verdict is Outcome.SAME
    assert any("htp_op_instances" in remark for remark in found.remarks)


def test_the_result_survives_json() -> None:
    found = diff(NETWORK, NETWORK[1:])
    assert CellDiff.model_validate_json(found.model_dump_json()) == found
