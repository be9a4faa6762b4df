"""Estimates of networks on SoCs by the simulator alone, with one warm process of the host SDK per network."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.failure import BenchFailed
from hostsdk.preparation import ESTIMATE_UNSUPPORTED
from qhas.estimate.model import GraphEstimate
from qhas.estimate.worker import TrialRefused, Worker
from qhas.machine.tool_output import last_words
from qhas.site import SdkRef
from qhas.site.sdk import Sdk, find_sdk, host_sdk_root


class Estimate(NamedTuple):
    """Fractional microseconds, and bytes. Figures that only SoCs with supported estimates have are None for others."""

    simulated_us: float
    low_us: float | None
    high_us: float | None
    ops_without_cost: int | None
    fill_bytes: int | None
    spill_bytes: int | None


def host_sdk(version: str | None = None) -> Sdk:
    """Return the host SDK of a wheel's version, by default the interpreter's own, set to estimate every SoC.

    Raises InvalidInput.
    """
    return find_sdk(SdkRef(root=host_sdk_root(version), env={ESTIMATE_UNSUPPORTED: "1"}), {})


def to_dlc(sdk: Sdk, network: Path, folder: Path, shapes: Mapping[str, Sequence[int]] | None = None) -> Path:
    """Convert an ONNX file to a DLC. Raises BenchFailed with the converter's own words."""
    dlc, said = folder / "network.dlc", folder / "converter.log"
    command = sdk.convert_argv(
        network=network, output=dlc, op_trace=folder / "op_trace.json", shapes=shapes or {}
    )
    with said.open("wb") as log:
        done = subprocess.run(
            command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=sdk.environment(), check=False
        )
    if done.returncode:
        raise BenchFailed(f"it cannot be converted: {last_words(said)}.")
    return dlc


def estimate(
    sdk: Sdk, dlc: Path, socs: Sequence[str], folder: Path, told: Callable[[str, Estimate], None]
) -> None:
    """Call `told` with each SoC's estimate once it is known. Raises BenchFailed for the first SoC that has none."""
    worker = Worker(sdk, folder / "worker", timeout_seconds=3600)
    try:
        for soc in socs:
            request = {"dlc": str(dlc), "soc": soc, "options": {}, "settings": {}, "ops": False}
            told(soc, _read(worker.ask(request)))
    except TrialRefused as refused:
        raise BenchFailed(str(refused)) from refused
    finally:
        worker.end()


def _read(graphs: list[dict[str, Any]]) -> Estimate:
    if len(graphs) != 1:
        raise BenchFailed(f"the DLC has {len(graphs)} graphs, but only one can be estimated")
    graph = GraphEstimate.model_validate(graphs[0])
    supported = graph.lower_cycles is not None
    return Estimate(
        simulated_us=graph.time_us,
        low_us=_microseconds(graph.lower_cycles, graph),
        high_us=_microseconds(graph.upper_cycles, graph),
        ops_without_cost=graph.ops_without_cost if supported else None,
        fill_bytes=graph.fill,
        spill_bytes=graph.spill,
    )


def _microseconds(cycles: int | None, graph: GraphEstimate) -> float | None:
    return cycles / graph.core_mhz if cycles else None
