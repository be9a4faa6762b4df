"""The progress bar: what it shows during a run, and who is notified."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from fakes.records import model, record
from qhas.cli.bar import SweepBar, bar, sweep_bar
from qhas.failures import FailureKind
from qhas.runs.progress import CellFinished, Waiting, listening, report
from qhas.runs.record import CellRecord
from qhas.sweep.spec import Cell

MARKUP = ["[/data/local/tmp/x.log]", "[bold]", "a [/] b", "[link=http://x]"]


def screen() -> Console:
    return Console(file=io.StringIO(), width=200)


def text_of(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def failed(message: str) -> CellRecord:
    cell = record(failure=FailureKind.TOOL_FAILED)
    assert cell.failure is not None
    return cell.model_copy(update={"failure": cell.failure.model_copy(update={"message": message})})


@pytest.mark.parametrize("text", MARKUP)
def test_a_failure_under_way_is_shown_as_the_tool_said_it(text: str) -> None:
    console = screen()
    with sweep_bar(console):
        report(CellFinished(failed(text)))
    assert text in text_of(console)


def test_a_failure_under_way_takes_one_line_and_a_cause_is_told_once() -> None:
    console = Console(file=io.StringIO(), width=60)
    first, second = (
        failed(f"the tool says\nthat {'it went wrong ' * 9}").model_copy(
            update={"cell": Cell(model=model("net"), soc=soc)}
        )
        for soc in ("sa8255", "sa8797")
    )
    with sweep_bar(console):
        report(CellFinished(first))
        report(CellFinished(second))
    lines = [line.rstrip() for line in text_of(console).splitlines() if line.startswith("failed")]
    assert lines == [
        "failed net on sa8255: the tool says that it went wrong it w…",
        "failed net on sa8797: as net on sa8255",
    ]


def test_nobody_has_to_listen() -> None:
    report(CellFinished(record()))


def test_only_what_happens_inside_is_heard() -> None:
    heard: list[object] = []
    event = CellFinished(record())
    with listening(heard.append):
        report(event)
    report(event)
    assert heard == [event]


def wait(cell: str, reason: str) -> Waiting:
    return Waiting(Cell(model=model(cell), soc="sm8750"), reason)


def test_what_a_cell_waits_for_stands_in_the_bar() -> None:
    progress = bar(screen())
    SweepBar(progress)(wait("net", "adb:3b15aq0 is held by run other"))
    assert progress.tasks[0].description == "net on sm8750: adb:3b15aq0 is held by run other"


def test_a_wait_is_a_line_once_a_minute_whatever_the_number_of_cells() -> None:
    console, now = screen(), 0.0
    show = SweepBar(bar(console), clock=lambda: now)
    for now in (0.0, 10.0, 59.0, 60.0, 61.0):
        for cell in ("a", "b"):
            show(wait(cell, f"[skin] at {now:g}"))
    lines = [line for line in text_of(console).splitlines() if "waiting" in line]
    assert lines == ["waiting a on sm8750: [skin] at 0", "waiting a on sm8750: [skin] at 60"]
