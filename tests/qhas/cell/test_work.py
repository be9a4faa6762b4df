"""A cell at work: its directory, and whose fault an error of the operating system is."""

from __future__ import annotations

import os

from qhas.cell.work import open_work
from qhas.failures import FailureKind, Step
from tests.qhas.cell.workbench import RUN, Bench, kind_of


async def test_a_cells_directory_goes_with_its_work(bench: Bench) -> None:
    async with open_work(bench.work.cell, bench.lab, RUN) as work:
        (work.directory / "file").touch()
    assert not work.directory.exists()


async def test_an_operating_system_error_in_a_step_is_the_disks(bench: Bench) -> None:
    async def full() -> None:
        async with bench.work.attempt(Step.LOGS):
            raise OSError(28, os.strerror(28))

    assert await kind_of(full()) is FailureKind.DISK
    assert bench.work.attempts[-1].failure is FailureKind.DISK
