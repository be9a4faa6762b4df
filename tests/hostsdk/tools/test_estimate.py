"""hostsdk-estimate: graph-prepare's figures from a long-lived process, and what-ifs that are read back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hostsdk import layout
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import read_timeline
from tests.hostsdk.tools.conftest import succeeded

pytestmark = pytest.mark.hostsdk


@pytest.fixture(scope="module")
def answers(tiny_dlc: Path) -> list[dict[str, Any]]:
    """The answers of one process to all requests of this module."""
    asked = [
        {"ops": True},
        {"soc": "sm8750"},
        {"settings": {"sim_ddr_channels": 2}},
        {"soc": "sm8550"},
        {"options": {"vtcm_mb": 9}},
        {"dlc": "nowhere.dlc"},
    ]
    plain = {"dlc": str(tiny_dlc), "soc": "sa8255", "options": {}, "settings": {}, "ops": False}
    lines = "".join(json.dumps(plain | each) + "\n" for each in asked)
    program = layout.sdk().root / "bin" / layout.TARGET / "hostsdk-estimate"
    done = succeeded(
        subprocess.run([program], input=lines, env={}, capture_output=True, text=True, timeout=600)
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_figures_are_those_of_graph_prepare(answers, prepared):
    (graph,) = answers[0]["graphs"]
    timeline = read_timeline(Dlc(prepared / "cached.dlc"), "sa8255")
    assert timeline is not None
    values = {event.type: event.value for root in timeline.events for event, _ in root.walk()}
    assert (graph["cycles"], graph["lower_cycles"], graph["upper_cycles"]) == (
        values[2006],
        values[2007],
        values[2008],
    )


def test_the_ops_own_every_cycle_of_the_dominant_path(answers):
    (graph,) = answers[0]["graphs"]
    assert abs(sum(op["dominant"] for op in graph["ops"]) - graph["cycles"]) <= 6
    assert {op["node"] for op in graph["ops"]} > {""}


def test_a_soc_that_was_checked_is_estimated_without_an_interval(answers):
    (graph,) = answers[1]["graphs"]
    assert graph["cycles"] > 0
    assert graph["lower_cycles"] is None


def test_a_setting_is_read_back_from_the_simulator(answers):
    (as_it_is,), (halved,) = answers[0]["graphs"], answers[2]["graphs"]
    assert as_it_is["in_force"]["sim_ddr_channels"] == 4
    assert halved["in_force"]["sim_ddr_channels"] == 2


@pytest.mark.parametrize(
    ("number", "says"), [(3, "HOSTSDK_ESTIMATE_UNSUPPORTED_SOCS"), (4, "8 MB of VTCM"), (5, "nowhere.dlc")]
)
def test_what_cannot_be_estimated_is_refused_and_the_process_goes_on(answers, number, says):
    assert says in answers[number]["refusal"]
