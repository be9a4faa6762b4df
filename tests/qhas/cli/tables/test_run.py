"""What the command shows: a table per origin, failures with their next step, and tools' output verbatim."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from fakes.records import attempt, health, latency, measured, metrics, model, record, run_record
from qhas.cli.tables.run import show_run
from qhas.failures import FACTS, FailureKind
from qhas.profile.metrics import OpShare
from qhas.runs.record import CellRecord, Origin
from qhas.sweep.spec import Cell

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


def test_what_failed_for_the_same_reason_is_told_once() -> None:
    cells = [
        record(Cell(model=model("net"), soc=soc), failure=FailureKind.SOC_REJECTED)
        for soc in ("sm8650", "sm8750")
    ]
    assert shown(*cells).count(FACTS[FailureKind.SOC_REJECTED].hint) == 1


@pytest.mark.parametrize("text", MARKUP)
def test_what_a_tool_said_is_shown_as_it_is(text: str) -> None:
    assert text in shown(failed(text))


@pytest.mark.parametrize("op", MARKUP)
def test_the_name_of_an_op_is_shown_as_it_is(op: str) -> None:
    share = OpShare(op=op, cycles=1, dominant_cycles=1, dominant_percent=50)
    assert op in shown(record(metrics=metrics(top_ops=[share])))


def test_a_measured_table_fits_a_hundred_columns_and_shows_latency_before_qhas() -> None:
    cell = Cell(model=model("inception_v2"), soc="sm8750")
    share = OpShare(op="ElementWiseAdd", cycles=1, dominant_cycles=1, dominant_percent=61)
    console = Console(file=io.StringIO(), width=100)
    figures = metrics(time_us=12_371, hmx_cycles=731_500, top_ops=[share])
    show_run(console, run_record(), [measured(cell, metrics=figures, latency=latency(1203, 1210, 1260))])
    text = text_of(console)
    assert max(map(len, text.splitlines())) <= 100
    (line,) = [line for line in text.splitlines() if "inception_v2" in line]
    assert line.split() == [
        *("inception_v2", "sm8750", "oneplus13", "1,210", "1,260", "5%"),
        *("12,371", "38.5%", "26.4", "ElementWiseAdd", "61%"),
    ]
    assert "never a latency" in text


def test_a_narrow_screen_cuts_no_figure_and_no_op() -> None:
    cell = Cell(model=model("inception_v2"), soc="sm8750", variant="vtcm_mb-4")
    failed = measured(
        cell, failure=FailureKind.DEVICES_QUARANTINED, attempts=[attempt("s24-b", FailureKind.DISK)]
    )
    console = Console(file=io.StringIO(), width=100)
    show_run(
        console, run_record(2), [measured(cell, metrics=metrics(time_us=12_371, hmx_cycles=731_500)), failed]
    )
    text = text_of(console)
    assert max(map(len, text.splitlines())) <= 100
    assert all(figure in text for figure in ("vtcm_mb-4", "12,371", "38.5%", "26.4", "Conv2d 61%", "s24-b"))


@pytest.mark.parametrize("origin", Origin)
@pytest.mark.parametrize("width", [72, 80, 100])
def test_at_eighty_columns_no_figure_of_a_grid_is_cut(width: int, origin: Origin) -> None:
    variant = "optimization_level-1.vtcm_mb-2.hvx_threads-2"
    cell = Cell(model=model("mobilenet_v3_small_quantized"), soc="qcs9100", variant=variant)
    named = {"metrics": metrics(time_us=12_371, hmx_cycles=731_500), "origin": origin}
    made = (
        measured(cell, latency=latency(1203, 1210, 1260), **named)
        if origin is Origin.DEVICE
        else record(cell, **named)
    )
    console = Console(file=io.StringIO(), width=width)
    show_run(console, run_record(), [made])
    table = text_of(console).split("This ")[0]
    assert "…" not in table
    figures = {"12,371", "38.5%", "26.4", "qcs9100", "1,210" if origin is Origin.DEVICE else "4 MiB"}
    missing = {figure for figure in figures if figure not in table}
    assert missing <= (set() if width == 100 else {"38.5%"} if width == 80 else {"38.5%", "26.4"})
    assert max(map(len, table.splitlines())) <= width
    assert "optimization" not in table


def test_a_poor_latency_is_marked_in_the_table_and_explained_below() -> None:
    text = shown(measured(health=health(after=2), latency=latency(100, 104, 126)))
    assert "25% !" in text
    assert "poor net on sm8750: thermal status 2 after the run, spread 25 %: do not quote" in text


def test_a_failure_on_devices_names_them() -> None:
    tried = [attempt("first", FailureKind.DSP_CRASHED)]
    text = shown(measured(failure=FailureKind.DSP_CRASHED, attempts=tried))
    assert "dsp_crashed net on sm8750, first, oneplus13: what happened" in text
    assert FACTS[FailureKind.DSP_CRASHED].hint in text
