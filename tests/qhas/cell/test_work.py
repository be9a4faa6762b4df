"""A cell at work: the life of its directory, and what an operating system error is blamed on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from qhas.cell.inputs import StagedInputs, gather_inputs
from qhas.cell.prepare import prepare_graph
from qhas.cell.sequence import DIRECT, profile_cells
from qhas.cell.work import open_work
from qhas.failures import FailureKind, Step
from qhas.sweep.spec import ModelRef
from tests.qhas.cell.workbench import RUN, Bench, kind_of


async def test_a_cells_directory_goes_with_its_work(bench: Bench) -> None:
    async with open_work(bench.work.cell, bench.lab, RUN) as work:
        await prepare_graph(work)
        assert work.directory.exists()
    assert not work.directory.exists()


async def test_a_directory_that_cannot_be_made_is_each_cells_own_failure(bench: Bench) -> None:
    shutil.rmtree(bench.lab.scratch)
    names = ["one", "other"]
    cells = [bench.work.cell.model_copy(update={"variant": name}) for name in names]
    records = await profile_cells(cells, bench.lab, RUN, DIRECT)
    assert [record.cell.variant for record in records] == names
    for record in records:
        assert record.failure
        assert record.failure.kind is FailureKind.DISK
        assert str(bench.lab.scratch) in record.failure.message


async def test_an_operating_system_error_in_a_step_is_the_disks(bench: Bench) -> None:
    async def full() -> None:
        async with bench.work.attempt(Step.LOGS):
            raise OSError(28, os.strerror(28))

    assert await kind_of(full()) is FailureKind.DISK
    assert bench.work.attempts[-1].failure is FailureKind.DISK


async def test_inputs_that_could_not_be_gathered_ahead_fail_their_step_untried_and_are_tried_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path] = []

    def gather(model: ModelRef, dlc: Path, folder: Path) -> StagedInputs:
        tries.append(folder)
        if len(tries) == 1:
            raise OSError(28, os.strerror(28))
        return gather_inputs(model, dlc, folder)

    monkeypatch.setattr("qhas.cell.work.gather_inputs", gather)
    dlc = (await prepare_graph(bench.work)).dlc
    await bench.work.gather_inputs_ahead(dlc)
    with pytest.raises(OSError, match="No space left"):
        await bench.work.inputs(dlc)
    assert len(tries) == 1
    assert await bench.work.inputs(dlc) is await bench.work.inputs(dlc)
    assert len(tries) == 2
