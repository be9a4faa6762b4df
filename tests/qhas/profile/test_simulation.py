"""What a simulated file says about its own estimate."""

from __future__ import annotations

from typing import Any

import pytest

from qhas.profile.qhas_file import QhasFile
from qhas.profile.simulation import Simulation, simulation_of

CORE = {
    "percent_idle": 0.0,
    "percent_utilization": 100.0,
    "time_us": 233,
    "timeline_cycles": 349332,
    **dict.fromkeys(
        ("total_dram_read", "total_dram_write", "total_vtcm_read", "total_vtcm_write", "peak_vtcm_alloc"), 0
    ),
    "qnn_nodes": 1,
    "htp_nodes": 1,
}
OWN = {
    "lower_cycles": 312705,
    "upper_cycles": 393668,
    "intermediate_fill_bytes": 0,
    "intermediate_spill_bytes": 256000,
}


def file(**provenance: Any) -> QhasFile:
    stated = {"origin": "simulator", "core_mhz": 1497.6, "simulators_own": OWN} | provenance
    return QhasFile.model_validate(
        {"name": "q", "version": "1", "graph": "g", "provenance": stated, "cores": [CORE]}
    )


def test_its_interval_is_in_microseconds() -> None:
    made = simulation_of(file())
    assert made
    assert made.interval == "208.8 µs to 262.9 µs"
    assert (made.fill, made.spill) == (0, 256000)
    assert made.moved == "256.0 kB of intermediate tensors spilled from VTCM, 0 B filled back"


def test_a_measured_file_says_nothing_of_it() -> None:
    assert simulation_of(file(origin="device")) is None


@pytest.mark.parametrize(
    ("ops", "sentence"),
    [
        (0, ""),
        (None, ""),
        (1, "the estimate is incomplete: 1 op has no known cost"),
        (28, "the estimate is incomplete: 28 ops have no known cost"),
    ],
)
def test_an_estimate_that_leaves_ops_out_says_so(ops: int | None, sentence: str) -> None:
    assert Simulation(ops_without_cost=ops).incomplete == sentence


@pytest.mark.parametrize(
    "own", [None, [], {"lower_cycles": "many"}, {"lower_cycles": -1}, {"upper_cycles": True}]
)
def test_what_is_no_number_was_not_said(own: object) -> None:
    made = simulation_of(file(simulators_own=own))
    assert made
    assert (made.lower_us, made.upper_us, made.interval) == (None, None, "")
