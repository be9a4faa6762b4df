"""The variants of a network that no other beats in both time and accuracy, and the fastest within a bound."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from fakes.records import metrics, model, record, run_record
from qhas.cli.tables.run import show_run
from qhas.profile.accuracy import Accuracy, OutputAccuracy, accuracy_of
from qhas.report.front_plot import front_plots
from qhas.runs.front import fronts
from qhas.runs.record import CellRecord, Origin
from qhas.sweep.spec import Cell

VARIANTS = {
    "float": (21.2, 1.0, 68.0),
    "w8a8": (9.9, 0.997, 22.5),
    "w8a16": (17.0, 0.9995, 30.0),
    "w4a16": (17.5, 0.985, 10.6),
}


def cell(name: str, budget: dict[str, Any] | None = None) -> CellRecord:
    time, cosine, sqnr = VARIANTS[name]
    output = OutputAccuracy(name="y", shape=(1, 10), cosine=cosine, sqnr_db=sqnr, max_abs_error=0.1)
    return record(
        origin=Origin.SIMULATOR,
        cell=Cell.model_validate(
            {"model": model(), "soc": "sa8255", "variant": f"quantize-{name}", "budget": budget or {}}
        ),
        metrics=metrics(time_us=time),
        accuracy=accuracy_of([output], None, "aa", "onnxruntime 1.24.0"),
    )


def test_what_is_beaten_in_both_is_not_on_the_front() -> None:
    (front,) = fronts(map(cell, VARIANTS))
    assert [point.name for point in front.best] == ["w8a8", "w8a16", "float"]
    assert front.sentences == [
        "net on sa8255: w8a8 (9.9 µs, 22.5 dB) is the fastest with cosine of at least 0.99, the default; simulated.",
        "Accuracy against time: w8a8 (9.9 µs, 22.5 dB), w8a16 (17 µs, 30.0 dB), float (21.2 µs, 68.0 dB).",
        "Beaten, as another is no slower and no less accurate: w4a16 (17.5 µs, 10.6 dB).",
    ]


@pytest.mark.parametrize(
    ("budget", "fastest"),
    [
        ({"cosine": {"at_least": 0.999}}, "w8a16"),
        ({"cosine": {"at_least": 0.98}}, "w8a8"),
        ({"sqnr_db": {"at_least": 40}}, "float"),
        ({"sqnr_db": {"at_least": 25}, "cosine": {"at_least": 0.9999}}, "float"),
    ],
)
def test_a_budget_is_the_bound(budget: dict[str, Any], fastest: str) -> None:
    (front,) = fronts(cell(name, budget) for name in VARIANTS)
    assert front.fastest
    assert front.fastest.name == fastest
    assert "its budget" in front.sentences[0]


def test_where_nothing_is_good_enough_the_nearest_is_named() -> None:
    (front,) = fronts(cell(name, {"sqnr_db": {"at_least": 90}}) for name in VARIANTS)
    assert front.fastest is None
    assert front.sentences[0].startswith(
        "net on sa8255: no variant has SQNR of at least 90 dB, its budget; float (21.2 µs, 68.0 dB) comes nearest"
    )
    assert front.document()["fastest"] is None


def test_variants_of_the_same_accuracy_have_no_front() -> None:
    assert fronts([cell("w8a8"), cell("w8a8")]) == []
    assert fronts([cell("w8a8")]) == []


def test_it_is_drawn_with_its_line_and_what_lies_behind_it() -> None:
    (plot,) = front_plots(fronts(map(cell, VARIANTS)))
    line, beaten = plot.data
    assert (line["text"], line["x"]) == (["w8a8", "w8a16", "float"], [9.9, 17.0, 21.2])
    assert beaten["text"] == ["w4a16"]
    assert "simulator" in plot.title


def test_the_terminal_says_it() -> None:
    console = Console(record=True, width=200, file=StringIO())
    show_run(console, run_record(), [cell(name) for name in VARIANTS])
    text = console.export_text()
    assert "w8a8 (9.9 µs, 22.5 dB) is the fastest with cosine of at least 0.99, the default" in text
    assert "0.99700" in text


def test_the_terminal_says_why_there_is_no_accuracy() -> None:
    console = Console(record=True, width=200, file=StringIO())
    show_run(console, run_record(), [record(accuracy=Accuracy(why="the run wrote no outputs"))])
    text = console.export_text()
    assert "no accuracy net on sm8750: the run wrote no outputs." in text
    assert "cosine" not in text
