"""A cell at work in a lab on the fake SDK, for the tests of its steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.dlc import make_dlc
from fakes.records import model
from fakes.sdk import Fault, Rule, Tool, order
from qhas.cell.net_run import collect_logs, net_run
from qhas.cell.prepare import Prepared, prepare_graph
from qhas.cell.work import CellWork, open_work
from qhas.failures import FailureKind, Step, StepFailed
from qhas.lab.lab import Lab, open_lab
from qhas.site import SdkRef, Site
from qhas.sweep.spec import Cell

RUN = "nightly-1"


@dataclass
class Bench:
    """A cell's work in a lab on the fake SDK."""

    sdk: Path
    lab: Lab
    work: CellWork

    def suffer(self, tool: Tool, fault: Fault, times: int | None = None) -> None:
        order(self.sdk, Rule(tool, fault, times=times))

    def folder(self, step: Step, number: int) -> Path:
        return self.work.directory / f"{step}-{number}"


@asynccontextmanager
async def bench_of(sdk: Path, folder: Path, store: str, **changes: Any) -> AsyncIterator[Bench]:
    order(sdk)
    dlc = make_dlc(folder / "net.dlc")
    cell = Cell.model_validate({"model": model(dlc=str(dlc)), "soc": "sm8750"} | changes)
    async with (
        open_lab(Site(store=store, sdk=SdkRef(root=sdk)), cores=1) as lab,
        open_work(cell, lab, RUN) as work,
    ):
        yield Bench(sdk, lab, work)


async def kind_of(step: Any) -> FailureKind:
    with pytest.raises(StepFailed) as failed:
        await step
    return failed.value.failure.kind


async def log_of(bench: Bench) -> tuple[Prepared, Path]:
    """Return a prepared graph and the log of a run on this machine."""
    prepared = await prepare_graph(bench.work)
    async with bench.work.lease() as device:
        return prepared, await collect_logs(bench.work, await net_run(bench.work, prepared, device), device)
