"""Small but complete instances of what the library stores: networks, sweeps, figures, and cell and run records.

Every builder takes the fields that matter to a test by name and fills in the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from qhas.devices.facts import DeviceFacts, Health, HealthFacts
from qhas.failures import FailureKind, Step, StepFailed
from qhas.profile.diagview import Samples, Series
from qhas.profile.diagview import latency as latency_of
from qhas.profile.language import Language
from qhas.profile.metrics import Latency, Metrics, OpShare
from qhas.profile.runtrace import Inference, Phase, Runtrace
from qhas.runs.record import Attempt, CellRecord, CellStatus, Origin, SdkFacts, SweepRecord, SweepState
from qhas.site import Site
from qhas.site.sdk import SdkKind
from qhas.store import Artifact
from qhas.sweep.spec import Cell, ModelRef, SweepSpec

MOMENT = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)


def model(name: str = "net", **changes: Any) -> ModelRef:
    """Return a network whose DLC need not exist."""
    return ModelRef.model_validate({"name": name, "dlc": f"/models/{name}.dlc"} | changes)


def spec(**changes: Any) -> SweepSpec:
    """Return a sweep of one network on one SoC, unless changed."""
    return SweepSpec.model_validate({"name": "nightly", "models": [model()], "socs": ["sm8750"]} | changes)


def metrics(**changes: Any) -> Metrics:
    """Return the figures of a cell."""
    return Metrics.model_validate(
        {
            "time_us": 1371,
            "timeline_cycles": 1_900_000,
            "utilization_percent": 81.25,
            "dram_read": 26_000_000,
            "dram_write": 400_000,
            "vtcm_read": 9,
            "vtcm_write": 9,
            "peak_vtcm": 4_194_304,
            "qnn_nodes": 11,
            "htp_nodes": 40,
            "reference_ops": 0,
            "format_changes": 2,
            "top_ops": [OpShare(op="Conv2d", cycles=5, dominant_cycles=4, dominant_percent=61.4)],
        }
        | changes
    )


def language(tokens: int = 1, time_us: float = 100_000, **changes: Any) -> Language:
    """Return the figures derived from a graph for a language model of 16 blocks at context 4,096."""
    whole = {
        "tokens": tokens,
        "time_us": time_us,
        "block_us": 5_000,
        "constant_us": 100,
        "ends_us": 19_900,
        "read": 800_000_000,
        "written": 1_000_000,
        "weights": 700_000_000,
        "cache": 60_000_000,
        "spill": 0,
        "peak_vtcm": 4_194_304,
        "dram_peak": 20_000,
        "shares": [{"part": "down", "percent": 40}, {"part": "scores", "percent": 60}],
    }
    sentence = "1 and 2 decoder blocks were compiled; what a block adds was scaled to 16 blocks"
    return Language.model_validate(
        {"context": 4096, "whole": whole, "context_bytes": 760_000_000, "sentence": sentence} | changes
    )


def runtrace(graph_us: float = 400, warm_us: float = 350, clock_mhz: float = 1400) -> Runtrace:
    """Return the runtrace of a cold inference and a warm one."""
    around = (("VTCM Acquire", 60.0), ("Resource Power On", 240.0))
    sides = ((graph_us, around), (warm_us, (("VTCM Acquire", 4.0), ("Resource Power On", 0.5))))
    return Runtrace(
        inferences=[
            Inference(
                graph="net",
                phases=[
                    Phase(name=name, us=us, clock_mhz=clock_mhz)
                    for name, us in (
                        ("QNN DSP Execute", own + sum(us for _, us in phases)),
                        *phases,
                        ("Graph Execute", own),
                    )
                ],
            )
            for own, phases in sides
        ],
        count=2,
        warm_us=warm_us,
        warm_clock_mhz=clock_mhz,
    )


def record(
    cell: Cell | None = None,
    *,
    run_id: str = "nightly-1",
    origin: Origin = Origin.SIMULATOR,
    failure: FailureKind | None = None,
    **changes: Any,
) -> CellRecord:
    """Return the record of a cell, complete unless a failure is given."""
    cell = cell or Cell(model=model(), soc="sm8750")
    what = StepFailed(failure, Step.PREPARE, f"what happened: {failure}.").failure if failure else None
    named = {
        "run_id": run_id,
        "cell": cell,
        "status": CellStatus.FAILED if failure else CellStatus.COMPLETE,
        "failure": what,
        "origin": origin,
        "started_at": MOMENT,
        "finished_at": MOMENT,
        "sdk": SdkFacts(kind=SdkKind.VENDOR, version="2.45.0"),
        "device": DeviceFacts(name=f"sim-{cell.soc}", soc=cell.soc, transport="host"),
        "metrics": None if failure else metrics(),
        "artifacts": [Artifact(name="chrometrace", path="chrometrace.json.gz", sha256="0" * 64, size=9)],
    }
    return CellRecord.model_validate(named | changes)


def run_record(cells: int = 1, failed: int = 0, **changes: Any) -> SweepRecord:
    """Return the record of a finished run."""
    named = {
        "run_id": "nightly-1",
        "state": SweepState.PARTIAL if failed else SweepState.COMPLETE,
        "started_at": MOMENT,
        "finished_at": MOMENT,
        "spec": spec(),
        "site": Site(),
        "sdk": SdkFacts(kind=SdkKind.VENDOR, version="2.45.0"),
        "qhas_version": "0.1.0",
        "cells": cells,
        "failed": failed,
    }
    return SweepRecord.model_validate(named | changes)


def latency(*samples: float) -> Latency:
    """Return the latency computed from these samples, in microseconds."""
    return latency_of(Samples({Series.TOTAL: samples}), warmups=0, perf_profile="burst")


def health(*, after: int = 0, skin: float = 36.0) -> HealthFacts:
    """Return the health of a phone with this thermal status and skin temperature after the run."""
    before = Health(
        taken_at=MOMENT,
        skin_celsius=33.5,
        thermal_status=0,
        battery_percent=80,
        celsius={"npu/nsp0": 60.0, "battery/pack": 70.0},
    )
    return HealthFacts(
        before=before, after=before.model_copy(update={"thermal_status": after, "skin_celsius": skin})
    )


def attempt(device: str, failure: FailureKind | None = None) -> Attempt:
    """Return an attempt at net-run on a device."""
    return Attempt(step=Step.NET_RUN, number=1, device=device, failure=failure)


def measured(cell: Cell | None = None, **changes: Any) -> CellRecord:
    """Return the record of a cell on a phone, with latency and health."""
    named: dict[str, Any] = {
        "origin": Origin.DEVICE,
        "device": DeviceFacts(name="oneplus13", soc="sm8750", transport="adb", address="adb:3b15aq0"),
        "latency": latency(100, 102, 104),
        "health": health(),
    }
    return record(cell, **named | changes)
