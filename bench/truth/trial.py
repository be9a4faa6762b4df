"""Any network: converted, compiled and estimated here, and set against what was measured."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bench.failure import BenchFailed
from bench.truth import growing
from hostsdk import layout, wheel
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import read_timeline
from hostsdk.events import Event
from hostsdk.preparation import ESTIMATE_UNSUPPORTED
from hostsdk.socs import find
from hostsdk.trace_object import unpack
from qhas.network.dlc import read_network
from qhas.truth.calibration import Expectation, Unknown, expectation
from qhas.truth.tables import WHEEL, Device, Precision, Runtime, measured, pairs
from qhas.truth.traits import Traits, traits_of

_SIMULATED_CYCLES = 2006
_AFTER_THE_LAST_OP = 6
"""Cycles, in every network that both are known of."""


class Trial(NamedTuple):
    """A network on a device: simulated here, simulated when the tables were made, expected, measured; milliseconds."""

    device: Device
    soc: str
    simulated_ms: float
    simulated_then_ms: float | None
    expected: Expectation | Unknown
    measured_ms: float | None


def converted(onnx_file: Path, folder: Path) -> tuple[Path, Traits]:
    """A DLC of the file, and its traits. Raises BenchFailed."""
    import onnx

    source, dlc = folder / "network.onnx", folder / "network.dlc"
    onnx.save(growing.read(onnx_file), str(source))
    _run("snpe-onnx-to-dlc", folder, "--input_network", str(source), "--output_path", str(dlc))
    return dlc, traits_of(read_network(dlc))


def tried(model: str, component: str, dlc: Path, traits: Traits, device: Device, folder: Path) -> Trial:
    """The network on one device. Raises BenchFailed."""
    soc = device.socs[0]
    simulated_ms = _simulated_us(dlc, soc, folder) / 1000
    precision = traits.precision
    latency = measured(model, precision or "", component).get((device.name, Runtime.QNN_DLC))
    return Trial(
        device,
        soc,
        simulated_ms,
        _then(model, precision, device),
        expectation(soc, simulated_ms * 1000, precision, traits.kind),
        latency.ms if latency else None,
    )


def _then(model: str, precision: Precision | None, device: Device) -> float | None:
    """By the compiler in use where the tables have it, else by the one of the measurements' generation."""
    made = {
        pair.wheel: pair.simulated_ms
        for pair in pairs()
        if (pair.network.name, pair.precision, pair.device) == (model, precision, device)
        and (pair.soc_model, pair.form, pair.options) == (device.simulated_as, "", device.options)
    }
    return made.get(wheel.find().version) or made.get(WHEEL)


def _simulated_us(dlc: Path, soc: str, folder: Path) -> float:
    work = folder / soc
    work.mkdir()
    _run(
        "snpe-dlc-graph-prepare", work, "--input_dlc", str(dlc), "--output_dlc", "prepared.dlc",
        "--htp_socs", soc, "--profiling_level", "qhas",
    )  # fmt: skip
    found = read_timeline(Dlc(work / "prepared.dlc"), find(soc, "--soc").name)
    if found is None:
        raise BenchFailed(f"the simulator has no estimate for {soc}.")
    return _us(found.events)


def _us(events: Iterable[Event]) -> float:
    """Microseconds with their fraction, of the cycles: the simulator's own, or where its timeline ends."""
    values, trace = dict[int, int](), dict[str, Any]()
    for root in events:
        for event, _ in root.walk():
            values.setdefault(event.type, event.value)
            if event.payload is not None:
                trace = json.loads(unpack(event.payload)[0])
    ends = (int(item["ts"]) + int(item["dur"]) for item in trace["traceEvents"] if item["ph"] == "X")
    cycles = values.get(_SIMULATED_CYCLES) or max(ends) + _AFTER_THE_LAST_OP
    return cycles / float(trace["Hextimate Configuration"]["sim_core_freq"])


def _run(tool: str, work: Path, *options: str) -> None:
    program = layout.sdk().root / "bin" / layout.TARGET / tool
    environment = os.environ | {ESTIMATE_UNSUPPORTED: "1"}
    done = subprocess.run(
        [str(program), *options], cwd=work, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BenchFailed(f"{tool} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
