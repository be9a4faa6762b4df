"""Pages written in other processes are the same as those written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.records import model, record, run_record
from qhas.report import page_writers
from qhas.report.beside import Beside
from qhas.report.findings import Findings
from qhas.report.gather import CellContents, Compared
from qhas.report.publish import publish_report
from qhas.runs.record import CellRecord
from qhas.store import Store
from qhas.sweep.spec import Cell


def pages(folder: Path) -> dict[str, bytes]:
    store = Store(str(folder))
    publish_report(store, run_record(6), night())
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("index.html")}


def night() -> list[CellRecord]:
    cells = [Cell(model=model(f"net{number}"), soc="sm8750", variant="default") for number in range(6)]
    return [record(cell) for cell in cells]


def on_cores(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_writers, "_CELLS_A_PROCESS", 1)
    monkeypatch.setattr(page_writers.os, "cpu_count", lambda: cores)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    on_cores(2, monkeypatch)


@pytest.mark.parametrize("cores", [2, 4], ids=["partly beside this process", "all beside it"])
def test_pages_are_the_same_wherever_they_are_written(
    tmp_path: Path, cores: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    here = pages(tmp_path / "here")
    on_cores(cores, monkeypatch)
    assert pages(tmp_path / "elsewhere") == here
    assert sum("cells/" in path for path in here) == 6
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("elsewhere")
def test_a_module_in_the_working_directory_is_not_taken_for_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jinja2.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(tmp_path)
    pages(tmp_path / "store")
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("elsewhere")
def test_a_process_that_dies_costs_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_writers.sys, "executable", "/bin/false")
    assert sum("cells/" in path for path in pages(tmp_path)) == 6


class Process(Beside):
    """Stands in for a process, and answers with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, message: object) -> None:
        pass

    def ask(self, question: object) -> Any:
        return self.name, None


def test_each_process_has_a_page_before_any_has_the_next() -> None:
    writers = page_writers.Writers([*map(Process, "abc")], here=False)
    write = writers.of(run_record(6), Findings())
    contents, neighbours = CellContents(Compared(night()[0])), (None, None)
    assert writers.at_once == 6
    assert "".join(write(contents, neighbours).page for _ in range(6)) == "abcabc"
