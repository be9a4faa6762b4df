"""The figures of a case as a table for people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table

from bench.figures import Contender, Figures, Spread

_MIB = 1 << 20


def table(title: str, figures: Mapping[Contender, Figures]) -> Table:
    """One row a contender. Three numbers are minimum, median and maximum of the rounds; one is the median."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("")
    columns = (
        "wall ms",
        "above plain ms",
        "ratio",
        "in cells ms",
        "own CPU ms",
        "tools ms",
        "server CPU ms",
        "peak RSS",
    )
    for column in columns:
        shown.add_column(column, justify="right")
    for contender, of in figures.items():
        shown.add_row(contender, *_cells(contender, of))
    return shown


def _cells(contender: Contender, of: Figures) -> tuple[str, ...]:
    plain = contender is Contender.PLAIN
    return (
        _three(of.wall),
        "" if plain else _three(of.overhead),
        "" if plain else f"{of.ratio.middle:.2f}",
        "" if plain else f"{of.overhead_in_cells.middle:.0f}",
        f"{of.cpu.middle:.1f}",
        f"{of.tools.middle:.0f}",
        f"{of.server_cpu.middle:.0f}" if contender is Contender.FLOW else "",
        f"{of.peak_memory.middle / _MIB:.0f} MiB",
    )


def _three(spread: Spread) -> str:
    return f"{spread.low:.0f}/{spread.middle:.0f}/{spread.high:.0f}"
