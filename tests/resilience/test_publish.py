"""Interrupted publishing: the remains never look like a finished cell, and take up no space in vain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.resilience.reader import Folder, read_run
from fakes.sdk import build_fake_sdk
from qhas.cell.artifacts import TRACE
from qhas.cell.publish import publish_cell
from qhas.cell.work import CellWork
from qhas.failures import FailureKind, Step, StepFailed
from qhas.lab.lab import Lab, open_lab
from qhas.runs import keys
from qhas.runs.record import ModelFacts
from qhas.site import SdkRef, Site
from qhas.store import StoreError
from qhas.sweep.spec import Cell

CELL = Cell.model_validate({"model": {"name": "net", "dlc": "/net.dlc"}, "soc": "sm8750"})


class Died(BaseException):
    """Stands for the death of the process."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(store=str(tmp_path / "store"), sdk=SdkRef(root=build_fake_sdk(tmp_path / "sdk")))


def work_of(lab: Lab, folder: Path) -> CellWork:
    """Return a cell that failed at its viewer but still has a trace to store."""
    (step := folder / "chrometrace-1").mkdir(parents=True)
    (step / TRACE).write_text("{}")
    (step / "config.json").write_text("{}")
    work = CellWork(CELL, lab, "one", folder)
    work.folders[Step.CHROMETRACE] = step
    work.model = ModelFacts(dlc="/net.dlc", sha256="0" * 64, size=1)
    work.failure = StepFailed(FailureKind.QHAS_MISSING, Step.CHROMETRACE, "No QHAS.").failure
    return work


async def test_a_process_that_dies_while_it_removes_an_earlier_try_leaves_no_record_of_that_try(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_lab(site) as lab:
        await publish_cell(work_of(lab, tmp_path / "first"))
        assert read_run(Folder(tmp_path / "store"), "one").failed == {CELL.key: "qhas_missing"}
        monkeypatch.setattr("shutil.rmtree", _dies_after_one_file)
        with pytest.raises(Died):
            await publish_cell(work_of(lab, tmp_path / "second"))
        monkeypatch.undo()
    reading = read_run(Folder(tmp_path / "store"), "one")
    assert (reading.broken, reading.failed, reading.complete) == ([], {}, {})


def _dies_after_one_file(path: Path | str, *_: object, **__: object) -> None:
    # The file system decides the order of removal: the worst case is the manifest last.
    next(file for file in Path(path).iterdir() if file.name != "manifest.json").unlink()
    raise Died


async def test_a_cell_that_does_not_fit_into_the_store_leaves_nothing_there(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_lab(site) as lab:
        write = lab.store.write
        monkeypatch.setattr(
            lab.store, "write", lambda key, *rest, **how: _full(key) or write(key, *rest, **how)
        )
        with pytest.raises(StepFailed, match="No space left"):
            await publish_cell(work_of(lab, tmp_path / "cell"))
        assert list(_files(tmp_path / "store" / keys.cell("one", CELL))) == []


def _full(key: str) -> None:
    raise StoreError(f"The store failed at {key}: No space left on device")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
