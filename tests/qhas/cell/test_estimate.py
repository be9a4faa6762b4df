"""A measured cell is also estimated if the site requests it; a cell whose estimate fails is none the worse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qhas.cell import estimate
from qhas.cell.estimate import estimate_too
from qhas.cell.publish import record_of
from qhas.failures import InvalidInput
from qhas.profile.origin import Origin
from qhas.runs.record import OwnEstimate
from qhas.site.sdk import Sdk, SdkKind, Tool
from tests.qhas.cell.workbench import Bench

GRAPH = {
    "graph": "net",
    "cycles": 2_112_000,
    "core_mhz": 2112.0,
    "lower_cycles": 1_056_000,
    "upper_cycles": 4_224_000,
    "dram_read": 10,
    "dram_write": 5,
    "peak_vtcm": 7,
    "context_bytes": 9,
    "ops_without_cost": 3,
    "htp_ops": {"q::Conv": 2},
    "in_force": {},
}
"""An estimate as `hostsdk.estimate_report` returns it."""


class Host:
    """The host SDK's program: it records the question and prints the answer that it is given."""

    def __init__(self, folder: Path) -> None:
        self.question, self.answer = folder / "asked.json", folder / "answer.json"

    def says(self, text: str) -> None:
        self.answer.write_text(text)

    def was_asked(self) -> Any:
        return json.loads(self.question.read_text())


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bench: Bench) -> Host:
    sdk = Sdk(tmp_path / "host", "2.51.0", SdkKind.HOST)
    program, made = sdk.tool(Tool.ESTIMATE), Host(tmp_path)
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nread -r line; echo "$line" > {made.question}; cat {made.answer}\n')
    program.chmod(0o755)
    monkeypatch.setattr(estimate, "host_sdk", lambda: sdk)
    bench.work.lab.site = bench.work.lab.site.model_copy(update={"estimate": True})
    bench.work.origin = Origin.DEVICE
    return made


async def noted(bench: Bench) -> OwnEstimate:
    await estimate_too(bench.work)
    assert bench.work.estimated is not None
    return bench.work.estimated


async def test_an_estimate_stands_beside_the_devices_figures(bench: Bench, host: Host) -> None:
    host.says(json.dumps({"graphs": [GRAPH]}))
    made = await noted(bench)
    assert made == OwnEstimate(
        sdk="2.51.0", simulated_us=1000.0, lower_us=500.0, upper_us=2000.0, ops_without_cost=3
    )
    record = record_of(bench.work, [])
    assert (record.origin, record.metrics, record.estimated) == (Origin.DEVICE, None, made)


async def test_the_cells_own_network_soc_and_options_are_asked_about(bench: Bench, host: Host) -> None:
    host.says(json.dumps({"graphs": [GRAPH]}))
    await estimate_too(bench.work)
    asked = host.was_asked()
    source, _ = await bench.lab.model(bench.work.cell.model)
    assert (asked["dlc"], asked["soc"]) == (str(source.path), "sm8750")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('{"refusal": "the simulator has no cost model of SM7325."}', "no cost model of SM7325"),
        (json.dumps({"graphs": [GRAPH, GRAPH]}), "the DLC has 2 graphs"),
        ("", "the simulator's answer cannot be read"),
        ("[" * 5000, "the simulator's answer cannot be read"),
    ],
)
async def test_why_there_is_none_is_noted(bench: Bench, host: Host, answer: str, why: str) -> None:
    host.says(answer)
    made = await noted(bench)
    assert why in made.why
    assert made.simulated_us is None
    assert bench.work.failure is None


async def test_a_machine_without_the_host_sdk_says_so(
    bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Sdk:
        raise InvalidInput("the wheel onnxruntime-qnn is not installed.")

    monkeypatch.setattr(estimate, "host_sdk", missing)
    assert (await noted(bench)).why == "the wheel onnxruntime-qnn is not installed."


@pytest.mark.parametrize(("wanted", "origin"), [(False, Origin.DEVICE), (True, Origin.SIMULATOR)])
async def test_nothing_is_estimated_unasked_or_twice(
    bench: Bench, host: Host, wanted: bool, origin: Origin
) -> None:
    bench.work.lab.site = bench.work.lab.site.model_copy(update={"estimate": wanted})
    bench.work.origin = origin
    await estimate_too(bench.work)
    assert bench.work.estimated is None
    assert "estimated" not in record_of(bench.work, []).model_dump()
