"""Names, sentences and addresses as a terminal of 80 columns shows them."""

from __future__ import annotations

import io

from rich.table import Table

from qhas.cli.screen import Screen

SENTENCE = "a cell is told in words, " * 8
ADDRESS = f"Report: file:///{'folder/' * 20}index.html"


def screen(*, terminal: bool) -> Screen:
    return Screen(file=io.StringIO(), width=80, force_terminal=terminal, color_system=None)


def text_of(console: Screen) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_sentence_is_broken_between_words_at_a_terminal_and_whole_in_a_pipe() -> None:
    lines = {}
    for terminal in (True, False):
        console = screen(terminal=terminal)
        console.print(SENTENCE, soft_wrap=True)
        lines[terminal] = [line.rstrip() for line in text_of(console).splitlines()]
    assert max(map(len, lines[True])) <= 80
    assert " ".join(lines[True]) == lines[False][0] == SENTENCE.rstrip()


def test_an_address_that_is_wider_than_the_terminal_is_left_whole_to_be_copied() -> None:
    console = screen(terminal=True)
    console.print(ADDRESS, soft_wrap=True)
    assert text_of(console) == f"{ADDRESS}\n"


def test_names_in_tables_are_folded_and_not_cut() -> None:
    console, table = screen(terminal=True), Table("network", "op", box=None)
    table.add_row("n" * 60, "q::" + "o" * 60)
    console.print(table)
    text = text_of(console)
    assert "…" not in text
    assert (text.count("n") - 1, text.count("o") - 2) == (60, 60)
