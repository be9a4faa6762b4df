"""Trials of a network (estimates alone) against the library's own compilation of it, and the memory they take."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.failure import BenchFailed
from bench.faster.networks import dlc_of
from bench.size import Size
from bench.truth.estimating import host_sdk
from bench.usage import Usage, resident, tree_cpu
from qhas.estimate.estimator import Estimator, Outcome
from qhas.estimate.trial import Subject, Trial
from qhas.estimate.worker import TrialRefused, Worker
from qhas.machine.digest import file_digest
from qhas.site.sdk import Sdk
from qhas.store import Store

NETWORKS = ("demo-squeezenet", "squeezenet1_1", "mobilenet_v2")
SOC = "sa8255"
_SAMPLES = 10
"""Number of memory readings, few enough to cost nothing."""
_SHARES = ("share", "cpu_share", "finalising_share", "busy")
_TRIALS = {Size.QUICK: 20, Size.NORMAL: 200, Size.FULL: 1000}
_LARGEST = {"demo-squeezenet"}
"""Networks that get all trials of the size; the others get a tenth of them, but at least 20."""


@dataclass(frozen=True)
class Rates:
    """Wall-clock and CPU seconds per trial with all cores at work, and bytes of the largest worker."""

    network: str
    trials: int
    library_wall: float
    library_cpu: float
    finalising_cpu: float
    """The part of `library_cpu` that `graphFinalize` takes."""
    wall: float
    cpu: float
    memory_early: int
    memory_late: int

    @property
    def share(self) -> float:
        """The rate over the library's own; `cpu_share` is the library's share of the CPU time."""
        return self.library_wall / self.wall

    @property
    def cpu_share(self) -> float:
        return self.library_cpu / self.cpu

    @property
    def finalising_share(self) -> float:
        return self.finalising_cpu / self.cpu

    @property
    def busy(self) -> float:
        """Share of the cores' time that the trials used."""
        return self.cpu / self.wall / (os.cpu_count() or 1)


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure every network and print the table. Raises BenchFailed for one that cannot be made or estimated."""
    sdk = host_sdk()
    with Progress(console=console) as progress:
        rates = [_rates(sdk, name, folder, size, progress) for name in NETWORKS]
    console.print(_table(rates))
    return [asdict(rate) | {name: getattr(rate, name) for name in _SHARES} for rate in rates]


def _rates(sdk: Sdk, network: str, folder: Path, size: Size, progress: Progress) -> Rates:
    dlc = dlc_of(network, folder)
    count = _TRIALS[size] if network in _LARGEST else max(20, _TRIALS[size] // 10)
    library = _library(sdk, dlc, max(5, count // 20))
    subject = Subject(dlc, file_digest(dlc), SOC)
    # No two trials are alike, so none is found in the store; the DRAM clock does not affect the compiler's work. The
    # workers' start is not part of a trial.
    trials = [Trial(subject, settings={"sim_ddr_freq": 1000 + number}) for number in range(count)]
    workers = [Worker(sdk, folder / f"worker-{number}") for number in range(os.cpu_count() or 1)]
    estimator = Estimator(sdk, Store(str(folder / f"store-{network}")), workers)
    task, memory, told = progress.add_task(network, total=count), list[int](), itertools.count(1)

    def note(_trial: Trial, outcome: Outcome) -> None:
        if isinstance(outcome, TrialRefused):
            raise BenchFailed(f"{network} is not estimated: {outcome}")
        progress.advance(task)
        if next(told) % (count // _SAMPLES) == 0:
            memory.append(max(resident().values()))

    try:
        estimator.try_all(
            [Trial(subject, settings={"sim_ddr_freq": 900 + worker}) for worker in range(len(workers))]
        )
        cpu, before = tree_cpu(os.getpid()), Usage.so_far()
        estimator.try_all(trials, note)
        wall, cpu = (Usage.so_far() - before).wall, tree_cpu(os.getpid()) - cpu
    finally:
        estimator.close(workers)
    return Rates(network, count, *library, wall / count, cpu / count, memory[0], max(memory))


def _library(sdk: Sdk, dlc: Path, count: int) -> tuple[float, float, float]:
    """Return the wall-clock and CPU seconds of a compilation and the CPU seconds of finalising alone.

    One process per core is at work.
    """
    command = [sys.executable, "-m", "bench.studies.finalising", str(dlc), SOC, str(count)]
    cores = os.cpu_count() or 1
    running = [
        subprocess.Popen(
            command, env=os.environ | sdk.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(cores)
    ]
    answers = [process.communicate() for process in running]
    if any(process.returncode for process in running):
        raise BenchFailed(f"{dlc.name} cannot be compiled: {answers[0][1].decode(errors='replace')[-300:]}")
    seconds = [json.loads(output.splitlines()[-1]) for output, _ in answers]  # the library prints, too
    wall, cpu, finalising = (
        sum(each[what] for each in seconds) / (cores * count) for what in ("wall", "cpu", "finalising")
    )
    return wall / cores, cpu, finalising


def _table(rates: Sequence[Rates]) -> Table:
    table = Table(box=SIMPLE)
    for name in (
        "network",
        "trials",
        "library, ms",
        "a trial, ms",
        "rate",
        "by CPU",
        "finalising",
        "cores busy",
        "MiB early",
        "late",
    ):
        table.add_column(name, justify="left" if name == "network" else "right")
    for rate in rates:
        shares = (f"{getattr(rate, name):.2f}" for name in _SHARES)
        milliseconds = (f"{1000 * seconds:.1f}" for seconds in (rate.library_wall, rate.wall))
        memory = (f"{bytes_ / 2**20:.0f}" for bytes_ in (rate.memory_early, rate.memory_late))
        table.add_row(rate.network, str(rate.trials), *milliseconds, *shares, *memory)
    return table
