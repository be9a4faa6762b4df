"""Tables of many figures, transposed if the terminal is too narrow, so that no figure is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

Lines = Sequence[Sequence[str]]


def fitting(lines: Lines, width: int) -> Iterator[Table]:
    """Yield one table of the lines, the first of which are the titles.

    If the terminal is narrower, each line becomes a column, in as many tables as needed.
    """
    if _width(lines) <= width:
        yield _table(lines)
        return
    titles, *rows = lines
    while rows:
        counts = range(len(rows), 1, -1)
        most = next((count for count in counts if _width(_turned([titles, *rows[:count]])) <= width), 1)
        yield _table(_turned([titles, *rows[:most]]))
        rows = rows[most:]


def _turned(lines: Lines) -> Lines:
    return list(zip(*lines, strict=True))


def _width(lines: Lines) -> int:
    """Return the width in terminal columns; each cell has a space on either side."""
    return sum(max(map(len, column)) + 2 for column in _turned(lines))


def _table(lines: Lines) -> Table:
    titles, *rows = lines
    table = Table(box=None)
    for at, title in enumerate(titles):
        table.add_column(title, justify="left" if at == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    return table
