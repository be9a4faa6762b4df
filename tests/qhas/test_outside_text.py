"""Outside text is shown as text: no terminal obeys it, no name passes for another, no cell is a formula."""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text

from qhas.cli.screen import Screen
from qhas.devices.facts import DeviceFacts
from qhas.devices.quarantine import Quarantined
from qhas.devices.queue import Holder
from qhas.failures import FailureKind, Step, StepFailed
from qhas.outside_text import csv_cell, shown
from tests.fuzz.fuzzing import bounded

CLEAR, TITLE, LINK = "\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("conv2d_1", "conv2d_1"),
        ("größe µs ≤ 3 网络 🙂", "größe µs ≤ 3 网络 🙂"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("of\r\nWindows", "of\nWindows"),
        (f"{CLEAR}gone", "gone"),
        (f"{TITLE}x", "x"),
        (LINK, "here"),
        ("\x1b[31mERROR\x1b[0m", "ERROR"),
        ("\x9b31mERROR", "ERROR"),
        ("good\rbad", "good\ufffdbad"),
        ("a\x07b\x08c\x7fd\x85e", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("\x1bcreset", "\ufffdcreset"),
        ("\x1b[31", "\ufffd[31"),
        ("net\u202eclд\u2066x", "net\ufffdclд\ufffdx"),
        ("a\u200bb\ufeffc", "a\ufffdb\ufffdc"),
        ("\udc80", "\ufffd"),
        ("\x1b_Gf=100;AAAA\x1b\\x", "x"),
        ("\x1bPq#0;~\x1b\\\x90+q\x9cx", "x"),
        ("good\u2028::error::bad\u2029x", "good\ufffd::error::bad\ufffdx"),
        ("con\xadv1 \u180ea\u3164b\uffa0", "con\ufffdv1 \ufffda\ufffdb\ufffd"),
        ("a\u200db\ufe0f\U000e0101c", "a\ufffdb\ufffd\ufffdc"),
        ("👩\u200d🔬 ❤\ufe0f क\u094d\u200dष", "👩\u200d🔬 ❤\ufe0f क\u094d\u200dष"),
        ("a\ufffeb\U0001ffffc\ufdd0", "a\ufffdb\ufffdc\ufffd"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text: str, seen: str) -> None:
    assert shown(text) == seen


@given(st.text())
def test_nothing_shown_controls_anything(text: str) -> None:
    out = shown(text)
    assert not [char for char in out if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"]
    assert not [
        char for char in out if unicodedata.bidirectional(char) in ("RLO", "LRO", "RLI", "LRI", "PDF")
    ]
    assert shown(out) == out
    out.encode()


@given(st.text())
def test_what_is_shown_is_of_the_lines_that_it_has(text: str) -> None:
    assert len(shown(text).splitlines()) <= shown(text).count("\n") + 1


def printed(*renderables: object) -> str:
    screen = Screen(file=io.StringIO(), width=100, force_terminal=False)
    screen.print(*renderables)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


@given(st.text(max_size=50))
def test_whatever_is_printed_moves_no_cursor(text: str) -> None:
    table = Table("op", "type")
    table.add_row(Text(text), text)
    for out in (printed(text), printed(Text(text)), printed(table)):
        assert "\x1b" not in out
        assert not [char for char in out if unicodedata.category(char) == "Cc" and char not in "\n\t"]


def test_a_progress_bar_shows_the_line_of_another_user_as_text() -> None:
    screen = Screen(file=io.StringIO(), width=100, force_terminal=True)
    with Progress(TextColumn("{task.description}", markup=False), console=screen) as progress:
        progress.add_task(f"held by {TITLE}{CLEAR}eve")
    assert isinstance(screen.file, io.StringIO)
    out = screen.file.getvalue()
    assert "held by " in out
    assert "eve" in out
    assert "\x1b]" not in out
    assert CLEAR not in out


@pytest.mark.parametrize("text", ["[bold]x[/bold]", "[/]", "[link=http://x]y", ":smile:", "[red]"])
def test_markup_in_a_text_is_text(text: str) -> None:
    assert printed(text) == f"{text}\n"
    table = Table(box=None, show_header=False)
    table.add_row(text)
    assert printed(table).strip() == text


def test_what_devices_and_other_users_say_is_stored_as_text() -> None:
    evil = f"{CLEAR}x\u202e"
    failed = StepFailed(FailureKind.TOOL_FAILED, Step.NET_RUN, evil, evidence=evil)
    assert str(failed) == "x\ufffd"
    assert (failed.failure.message, failed.failure.evidence) == ("x\ufffd", "x\ufffd")
    now = datetime.now(UTC)
    holder = Holder(run_id=evil, cell=evil, pid=1, host_user=evil, since=now)
    assert {holder.run_id, holder.cell, holder.host_user} == {"x\ufffd"}
    assert Quarantined(reason=evil, since=now, until=now, failures=1).reason == "x\ufffd"
    facts = DeviceFacts(name="a", soc="b", transport="adb", build=evil, detected_soc=evil, warnings=[evil])
    assert {facts.build, facts.detected_soc, *facts.warnings} == {"x\ufffd"}


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("=HYPERLINK(A1)", "'=HYPERLINK(A1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\n=1", "'\n=1"),
        ("\r=1", "\ufffd=1"),
        ("＝1", "'＝1"),
        (" =1", "' =1"),
        ("\xa0\u3000@x", "'\xa0\u3000@x"),
        ("a;=1+1;-5;+x", "a;'=1+1;-5;'+x"),
        ("a\t=1\n-2", "a\t'=1\n-2"),
        ("a \t=1", "a \t'=1"),
        ("a\n \n ;=1", "a\n \n ;'=1"),
        (" \n\t ", " \n\t "),
        ("-", "'-"),
        ("-5", "-5"),
        ("+1.5e-3", "+1.5e-3"),
        (-5, -5),
        (-0.25, -0.25),
        (None, None),
        ("oneplus13", "oneplus13"),
        ("a=b", "a=b"),
    ],
)
def test_no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers(value: object, cell: object) -> None:
    assert csv_cell(value) == cell


@pytest.mark.parametrize("text", ["\n", " \n", ";", "\x9d", "\x1b]", "\x9b", "="])
@pytest.mark.parametrize("end", ["x", "=1"])
def test_a_text_of_many_characters_takes_no_longer_than_it_is_long(text: str, end: str) -> None:
    with bounded():
        csv_cell(text * (400_000 // len(text)) + end)


def test_a_number_of_many_digits_is_told_from_a_formula_at_once() -> None:
    with bounded():
        assert csv_cell("-" + "1" * 400_000 + "x") == "'-" + "1" * 400_000 + "x"
