"""What the command shows: tables per origin, failures with their next step, texts of tools as they are."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from qhas.failures import FACTS, FailureKind
from qhas.progress import CellFinished, listening, report
from qhas.record import CellRecord, Origin
from qhas.spec import Cell
from qhas.summary import OpShare
from qhas.terminal import show_run, sweep_bar
from tests.qhas.samples import metrics, model, record, run_record

MARKUP = ["[/data/local/tmp/x.log]", "[bold]", "a [/] b", "[link=http://x]"]


def screen() -> Console:
    return Console(file=io.StringIO(), width=200)


def text_of(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def shown(*cells: CellRecord) -> str:
    console = screen()
    show_run(console, run_record(len(cells)), list(cells))
    return text_of(console)


def failed(message: str) -> CellRecord:
    cell = record(failure=FailureKind.TOOL_FAILED)
    assert cell.failure is not None
    return cell.model_copy(update={"failure": cell.failure.model_copy(update={"message": message})})


def test_simulated_and_measured_cells_never_share_a_table() -> None:
    cells = [
        record(Cell(model=model("simulated"), soc="sm8750")),
        record(Cell(model=model("measured"), soc="sm8750"), origin=Origin.DEVICE),
    ]
    measured, simulated = shown(*cells).split("Simulated on a host, not measured")
    assert "Measured on devices" in measured
    assert "measured " in measured
    assert "simulated " not in measured
    assert "est. time" not in measured
    assert "est. time" in simulated
    assert "simulated " in simulated


def test_a_failure_is_shown_with_its_next_step() -> None:
    text = shown(record(failure=FailureKind.SOC_REJECTED))
    assert "soc_rejected" in text
    assert FACTS[FailureKind.SOC_REJECTED].hint in text


@pytest.mark.parametrize("text", MARKUP)
def test_what_a_tool_said_is_shown_as_it_is(text: str) -> None:
    assert text in shown(failed(text))


@pytest.mark.parametrize("op", MARKUP)
def test_the_name_of_an_op_is_shown_as_it_is(op: str) -> None:
    share = OpShare(op=op, cycles=1, dominant_cycles=1, dominant_percent=50)
    assert op in shown(record(metrics=metrics(top_ops=[share])))


@pytest.mark.parametrize("text", MARKUP)
def test_a_failure_under_way_is_shown_as_the_tool_said_it(text: str) -> None:
    console = screen()
    with sweep_bar(console):
        report(CellFinished(failed(text)))
    assert text in text_of(console)


def test_nobody_has_to_listen() -> None:
    report(CellFinished(record()))


def test_only_what_happens_inside_is_heard() -> None:
    heard: list[object] = []
    event = CellFinished(record())
    with listening(heard.append):
        report(event)
    report(event)
    assert heard == [event]
