"""What-ifs: each changes one thing in what is in force, is read back, and is reported as what it is."""

from __future__ import annotations

import pytest

from qhas.estimate.model import Estimate, GraphEstimate, OpEstimate
from qhas.estimate.worker import TrialRefused
from qhas.explain.experiments import Experiment, Resource, elasticity, experiments
from qhas.explain.explain import bounds, finding
from qhas.explain.model import Explanation, Finding, OpBound
from qhas.explain.shown import circumstances

IN_FORCE: dict[str, float] = {
    "sim_ddr_freq": 3196.8,
    "sim_ddr_width": 2,
    "sim_ddr_channels": 4,
    "sim_ddr_efficiency": 0.9,
    "sim_core_freq": 1497.6,
    "sim_hmx_int_scale_factor": 1.08,
    "sim_hmx_fp_scale_factor": 2,
    "sim_hvx_int_scale_factor": 1,
    "sim_hvx_fp_scale_factor": 1,
    "vtcm_size_in_bytes": 8 << 20,
    "hvx_threads": 4,
}


def op(unit: str, cycles: int, dominant: int = 100, **more: object) -> OpEstimate:
    fields = {
        "htp_op": f"q::{unit}", "node": unit, "type": "Conv2d", "dtype": "QUInt8", "dims": (1,), "instances": 1,
        "busy": cycles, "dram_read": 0, "dram_write": 0, "vtcm_read": 0, "vtcm_write": 0,
    }  # fmt: skip
    return OpEstimate.model_validate(fields | {"unit": unit, "cycles": cycles, "dominant": dominant} | more)


def estimate(cycles: int = 1000, ops: tuple[OpEstimate, ...] = (), **changed: float) -> Estimate:
    graph = GraphEstimate(
        graph="net", cycles=cycles, core_mhz=1497.6, dram_read=0, dram_write=0, peak_vtcm=0, context_bytes=0,
        htp_ops={"q::Conv": 3}, in_force=IN_FORCE | changed, ops=ops,
    )  # fmt: skip
    return Estimate(graphs=(graph,))


def experiment(resource: Resource, factor: float = 0.5) -> Experiment:
    return next(
        each for each in experiments(estimate()) if (each.resource, each.factor) == (resource, factor)
    )


def test_every_resource_is_halved_and_the_engines_are_doubled():
    made = {(each.resource, each.factor) for each in experiments(estimate())}
    assert {resource for resource, factor in made if factor == 0.5} == set(Resource)
    assert {resource for resource, factor in made if factor == 2} == set(Resource) - {
        Resource.VTCM,
        Resource.THREADS,
    }


def test_a_cost_is_changed_around_the_one_that_is_in_force():
    assert experiment(Resource.HMX).settings == {
        "sim_hmx_int_scale_factor": 2.16,
        "sim_hmx_fp_scale_factor": 4.0,
    }


@pytest.mark.parametrize(
    ("resource", "in_force"),
    [
        (Resource.DRAM, {"sim_ddr_freq": 1598.0}),
        (Resource.CLOCK, {"sim_core_freq": 748.8}),
        (Resource.VTCM, {"vtcm_size_in_bytes": 4 << 20}),
        (Resource.THREADS, {"hvx_threads": 2}),
    ],
)
def test_only_what_the_simulator_says_is_in_force_took_effect(resource, in_force):
    assert experiment(resource).took(estimate(**in_force))
    assert not experiment(resource).took(estimate())
    ignored = finding(estimate(), experiment(resource), estimate(2000))
    assert ignored.elasticity is None
    assert "not in force" in ignored.note


def test_other_htp_ops_are_no_pure_what_if():
    graph = estimate(2000, vtcm_size_in_bytes=4 << 20).graphs[0]
    other = Estimate(graphs=(graph.model_copy(update={"htp_ops": {"q::Conv": 4}}),))
    told = finding(estimate(), experiment(Resource.VTCM), other)
    assert not told.pure
    assert "not a pure what-if" in told.note
    assert told.elasticity == pytest.approx(1)


def test_what_has_no_estimate_is_told_in_the_compilers_words():
    told = finding(estimate(), experiment(Resource.VTCM), TrialRefused("too little VTCM."))
    assert (told.time_us, told.note) == (None, "too little VTCM.")


@pytest.mark.parametrize(
    ("after", "factor", "follows"), [(200, 0.5, 1), (100, 0.5, 0), (50, 2, 1), (100, 2, 0), (50, 0.5, -1)]
)
def test_time_that_doubles_at_half_the_speed_follows_in_full(after, factor, follows):
    assert elasticity(100, after, factor) == pytest.approx(follows)


def test_an_op_waits_for_what_its_own_cycles_follow():
    ops = (
        op("HVX", 400),
        op("DMA", 100),
        op("HMX", 300),
        op("", 50, htp_op="", node="", instances=0, busy=0),
    )
    slower_dram = (op("HVX", 410), op("DMA", 200), op("HMX", 300))
    slower_hvx = (op("HVX", 800), op("DMA", 100), op("HMX", 330))
    tried = [
        (experiment(Resource.DRAM), estimate(ops=slower_dram, sim_ddr_freq=1598)),
        (
            experiment(Resource.HVX),
            estimate(ops=slower_hvx, sim_hvx_int_scale_factor=2, sim_hvx_fp_scale_factor=2),
        ),
    ]
    found = {bound.unit: bound.bound for bound in bounds(estimate(ops=ops), tried)}
    assert found == {"HVX": Resource.HVX, "DMA": Resource.DRAM, "HMX": Resource.HVX, "": None}


@pytest.mark.parametrize(
    ("row", "threads", "ceiling"),
    [
        (op("HVX", 400, busy=400), 25, None),
        (op("HVX", 400, busy=100), 100, None),
        (op("DMA", 100, dram_read=3074), None, pytest.approx(100, rel=1e-3)),
        (op("HMX", 400), None, None),
    ],
    ids=["one thread of four", "all threads", "the DRAM's peak", "no ceiling known"],
)
def test_a_share_is_of_what_the_unit_can_do_meanwhile(row, threads, ceiling):
    (bound,) = bounds(estimate(ops=(row,)), [])
    assert (bound.threads_percent, bound.ceiling_percent) == (threads, ceiling)


def test_an_op_on_another_unit_than_it_waits_for_disagrees():
    agreeing = OpBound(
        node="a", type="", htp_op="q::a", dtype="", dims=(), unit="HVX", share_percent=9, bound=Resource.HVX
    )
    other = agreeing.model_copy(update={"bound": Resource.DRAM})
    idle = agreeing.model_copy(update={"unit": "", "bound": None})
    answer = explanation().model_copy(update={"ops": [agreeing, agreeing, other, idle]})
    assert answer.agreement == (2, 3)


def explanation(*findings: Finding) -> Explanation:
    row = OpBound(
        node="x_q", type="Quantize", htp_op="q::Quantize", dtype="QUInt8", dims=(1,), unit="HVX",
        share_percent=25, bound=Resource.HVX, threads_percent=25, ceiling_percent=7,
    )  # fmt: skip
    return Explanation(
        network="net", soc="sa8255", sdk="2.51", options="the default", time_us=233.3, findings=list(findings),
        ops=[row], bounded_percent=99, format_change_percent=16, idle_percent=6, fill=0, spill=0, truth="no expectation",
    )  # fmt: skip


def found(resource: Resource, factor: float, follows: float, change: float) -> Finding:
    return Finding(resource=resource, factor=factor, time_us=1, elasticity=follows, change_percent=change)


def test_three_sentences_say_bound_by_what_which_ops_and_what_would_help_most():
    bound, ops, help_most = explanation(
        found(Resource.DRAM, 0.5, 0.08, 5.6),
        found(Resource.HVX, 0.5, 0.73, 65),
        found(Resource.HVX, 2, 0.48, -28),
        found(Resource.VTCM, 0.5, -0.44, -26),
    ).sentences
    assert "is bound by HVX: its elasticity to HVX is 0.73" in bound
    assert "simulated at 233.3 µs" in bound
    assert "Quantize x_q (25 % of the time, HVX, on 25 % of its threads, at 7 % of its ceiling)" in ops
    assert "half of the VTCM, an option of graph-prepare, is simulated at −26 %" in help_most
    assert "HVX at twice the speed, or half as much work for it, at −28 %" in help_most


def test_a_network_that_follows_no_engine_is_not_said_to_be_bound_by_one():
    assert "bound by no single engine" in explanation(found(Resource.DRAM, 0.5, 0.1, 7)).sentences[0]


def test_an_op_that_is_faster_than_its_ceiling_has_no_share_and_is_told():
    fast = op("DMA", 100, dram_read=4000)
    (bound,) = bounds(estimate(ops=(fast,)), [])
    assert (bound.ceiling_percent, bound.too_fast) == (None, True)
    answer = explanation().model_copy(update={"ops": [bound]})
    assert "ops with 10.0 % of the time are simulated faster than any of the small networks" in circumstances(
        answer
    )
