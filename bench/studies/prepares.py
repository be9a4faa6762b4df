"""How well a network's size predicts its graph-prepare time: the error of the constants in `qhas.sweep.forecast`."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.failure import BenchFailed
from bench.faster.networks import DEMO, TOPOLOGIES, dlc_of
from bench.size import Size
from bench.truth.estimating import host_sdk
from qhas.machine.tool_output import last_words
from qhas.site.sdk import Sdk
from qhas.sweep.forecast import host_prepare_seconds
from qhas.sweep.size import NetworkSize, size_here
from qhas.sweep.spec import PrepareOptions

SOCS = ("sa8255", "qcs9100")
_A_FEW = 4


@dataclass(frozen=True)
class Prepared:
    """A network, and the CPU seconds of its prepare: the geometric mean over several SoCs."""

    network: str
    size: NetworkSize
    seconds: float

    @property
    def error(self) -> float:
        """Logarithm of the expected over the measured seconds."""
        return log(host_prepare_seconds(self.size) / self.seconds)


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure every prepare and print the errors. Raises BenchFailed for a network that cannot be made or prepared."""
    names = (*TOPOLOGIES, *DEMO)
    sdk = host_sdk()
    chosen = names[:_A_FEW] if size is Size.QUICK else names
    prepared = [_prepare(sdk, name, folder) for name in track(chosen, "prepares", console=console)]
    spread = _spread([network.error for network in prepared])
    left_out = _spread(_left_out(prepared)) if len(prepared) > _A_FEW else None
    console.print(_table(prepared))
    console.print(f"Error in the logarithm: {spread:.2f}")
    if left_out is not None:
        console.print(f"Each left out, by a law of the others: {left_out:.2f}")
    return {"networks": [asdict(network) for network in prepared], "spread": spread, "left_out": left_out}


def _prepare(sdk: Sdk, name: str, folder: Path) -> Prepared:
    dlc = dlc_of(name, folder)
    taken = [_seconds(sdk, dlc, soc, folder) for soc in SOCS]
    return Prepared(name, size_here(dlc), float(np.exp(np.mean(np.log(taken)))))


def _seconds(sdk: Sdk, dlc: Path, soc: str, folder: Path) -> float:
    said, output = folder / "prepare.log", folder / "prepared.dlc"
    output.unlink(missing_ok=True)
    command = sdk.prepare_argv(dlc=dlc, output=output, soc=soc, options=PrepareOptions())
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with said.open("wb") as log_file:
        done = subprocess.run(
            command, cwd=folder, stdout=log_file, stderr=subprocess.STDOUT, env=sdk.environment(), check=False
        )
    if done.returncode:
        raise BenchFailed(f"{dlc.name} cannot be prepared for {soc}: {last_words(said)}.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _left_out(prepared: Sequence[Prepared]) -> list[float]:
    """Return each network's error under a law fitted to the other networks."""
    sizes = np.array([[1.0, network.size.bytes / 1e6, network.size.ops or 0] for network in prepared])
    seconds = np.array([network.seconds for network in prepared])
    errors = []
    for number in range(len(prepared)):
        others = np.arange(len(prepared)) != number
        weighted = sizes[others] / seconds[others, None]  # so that relative errors are minimised
        law, *_ = np.linalg.lstsq(weighted, np.ones(len(weighted)), rcond=None)
        errors.append(log(max(sizes[number] @ law, 1e-3) / seconds[number]))
    return errors


def _spread(errors: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _table(prepared: Sequence[Prepared]) -> Table:
    table = Table(box=SIMPLE)
    for name in ("network", "MB", "ops", "CPU s", "expected s"):
        table.add_column(name, justify="left" if name == "network" else "right")
    for network in prepared:
        figures = (network.size.bytes / 1e6, network.seconds, host_prepare_seconds(network.size))
        megabytes, taken, expected = (f"{figure:.2f}" for figure in figures)
        table.add_row(network.network, megabytes, str(network.size.ops), taken, expected)
    return table
