"""The self-check: contenders whose work differs from the first one's yield no figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.figures import Contender
from bench.job import Job, Network
from bench.outcome import CellOutcome, Outcome, OutcomeInvalid, plain_outcome, require_same, without_folders
from bench.plain import run
from fakes.dlc import make_dlc, make_inputs
from fakes.sdk import Fault, Rule, Tool, build_fake_sdk, order
from qhas.profile.metrics import Metrics
from qhas.profile.trace import TraceFacts

CELL = CellOutcome(
    trace=TraceFacts(events=9, ops=4, end_cycle=1000, counters=2, flows=0),
    metrics=Metrics(
        time_us=5,
        timeline_cycles=1000,
        utilization_percent=90.0,
        dram_read=1,
        dram_write=2,
        vtcm_read=3,
        vtcm_write=4,
        peak_vtcm=5,
        qnn_nodes=6,
        htp_nodes=7,
        reference_ops=0,
        format_changes=0,
    ),
    commands=(("snpe-net-run", "--use_dsp"),),
    seconds=1.0,
)
DIFFERENT = {
    "trace": TraceFacts(events=8, ops=4, end_cycle=1000, counters=2, flows=0),
    "metrics": CELL.metrics.model_copy(update={"time_us": 6}),
    "commands": (("snpe-net-run",),),
}


def both(other: Outcome) -> dict[str, Outcome]:
    return {Contender.PLAIN: {"a": CELL, "b": CELL}, Contender.FLOW: other}


def test_equal_work_passes_however_long_it_took() -> None:
    require_same(both({"b": CELL, "a": replace(CELL, seconds=9.0)}), cells=2)


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_difference_is_refused_and_named(what: str) -> None:
    other = replace(CELL, **{what: DIFFERENT[what]})
    with pytest.raises(OutcomeInvalid, match=f"{what} of b differs"):
        require_same(both({"a": CELL, "b": other}), cells=2)


def test_a_missing_cell_is_refused() -> None:
    with pytest.raises(OutcomeInvalid, match="flow wrote 1 valid traces of 2"):
        require_same(both({"a": CELL}), cells=2)


def test_another_cell_in_place_of_one_is_refused() -> None:
    with pytest.raises(OutcomeInvalid, match="of b differs"):
        require_same(both({"a": CELL, "c": CELL}), cells=2)


def test_command_lines_are_compared_without_their_folders() -> None:
    assert without_folders(
        ["/sdk/bin/snpe-net-run", "--input_list=input_list.txt", "--output=/tmp/x/y.json"]
    ) == (
        "snpe-net-run",
        "--input_list=input_list.txt",
        "--output=y.json",
    )


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """One network on two SoCs of a fake SDK."""
    (tmp_path / "out").mkdir()
    dlc = make_dlc(tmp_path / "model.dlc", graph="net")
    network = Network("net", str(dlc), str(make_inputs(tmp_path, dlc)))
    sdk = build_fake_sdk(tmp_path / "sdk")
    return Job(str(sdk), (network,), ("sa8255", "qcs9100"), str(tmp_path / "out"), at_once=2)


def test_the_plain_script_leaves_a_valid_trace_of_every_cell(job: Job) -> None:
    run(job)
    outcome = plain_outcome(job)
    assert sorted(outcome) == ["net/qcs9100/default", "net/sa8255/default"]
    assert all(cell.seconds > 0 and len(cell.commands) == 3 for cell in outcome.values())


def test_a_damaged_trace_of_the_plain_script_is_refused(job: Job) -> None:
    order(Path(job.sdk), Rule(Tool.VIEWER, Fault.TRUNCATED_TRACE, soc="sa8255"))
    run(job)
    with pytest.raises(OutcomeInvalid, match=r"net/sa8255/default: chrometrace\.json"):
        plain_outcome(job)


def test_a_job_reads_as_it_was_written(job: Job, tmp_path: Path) -> None:
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job
