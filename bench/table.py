"""The figures of a case as a table for readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.box import SIMPLE
from rich.table import Table

from bench.figures import Contender, Figures, Spread

_MIB = 1 << 20


def _three(spread: Spread, unit: float = 1.0, digits: int = 0) -> str:
    values = (spread.low, spread.middle, spread.high)
    return "/".join(f"{value / unit:.{digits}f}" for value in values)


_ROWS: tuple[tuple[str, Callable[[Figures], str], frozenset[Contender]], ...] = (
    ("wall", lambda of: _three(of.wall), frozenset(Contender)),
    ("above plain", lambda of: _three(of.overhead), frozenset(Contender) - {Contender.PLAIN}),
    ("ratio to plain", lambda of: _three(of.ratio, digits=2), frozenset(Contender) - {Contender.PLAIN}),
    ("so, inside cells", lambda of: _three(of.overhead_in_cells), frozenset({Contender.FLOW})),
    (
        "outside cells, s a sweep",
        lambda of: _three(of.outside_cells_seconds, digits=2),
        frozenset({Contender.FLOW}),
    ),
    ("tools' own time", lambda of: _three(of.tools), frozenset(Contender)),
    ("beside tools, core-ms", lambda of: _three(of.beside_tools), frozenset(Contender)),
    ("own CPU", lambda of: _three(of.cpu), frozenset(Contender)),
    ("tools' CPU", lambda of: _three(of.children_cpu), frozenset(Contender)),
    ("server's CPU", lambda of: _three(of.server_cpu), frozenset({Contender.FLOW})),
    ("imports before, s", lambda of: _three(of.start_up_seconds, digits=2), frozenset(Contender)),
    ("peak RSS, MiB", lambda of: _three(of.peak_memory, _MIB), frozenset(Contender)),
)
"""What is shown, how, and the contenders for which it is meaningful."""


def table(title: str, figures: Mapping[Contender, Figures]) -> Table:
    """Return a table with a row per figure and a column per contender: minimum, median and maximum of the rounds."""
    shown = Table(title=title, title_justify="left", padding=(0, 1), box=SIMPLE, pad_edge=False)
    shown.add_column("ms a cell", no_wrap=True)
    for contender in figures:
        shown.add_column(contender, justify="right", no_wrap=True)
    for name, cell, said_of in _ROWS:
        shown.add_row(name, *(cell(of) if contender in said_of else "" for contender, of in figures.items()))
    return shown
