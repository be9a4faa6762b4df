"""A comparison in the terminal: a sentence, a waterfall of what adds up to the difference, the figures behind it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhas.diff.model import CellDiff, Contribution, Figure, Outcome, RunDiff, Unit
from qhas.profile.figures import BY_NAME, SHOW
from qhas.units import (
    count,
    microseconds,
    signed,
    signed_percent,
    signed_points,
    signed_time,
    words,
)

_BAR = 32
_ROWS = 10
"""Maximum number of parts or ops in a table of one cell; the other parts are summed up in one row, `--json` has all."""
_STYLE = {Outcome.WORSE: "red", Outcome.BETTER: "green", Outcome.SAME: "dim"}


def show_cell(console: Console, cell: CellDiff) -> None:
    """Print one comparison in full. Names of ops are data, never markup."""
    console.print(_headline(cell), soft_wrap=True)
    for circumstance in cell.circumstances:
        mark = "differs" if circumstance.explains else "differs, changes no time"
        console.print(
            Text(f"  {mark}: {circumstance.sentence} (from the {circumstance.source})", "dim"), soft_wrap=True
        )
    if cell.contributions:
        console.print(_waterfall(cell))
    console.print(_figures(cell))
    if (ops := _ops(cell)).row_count:
        console.print(ops)
    for remark in cell.remarks:
        console.print(Text(remark, "yellow"), soft_wrap=True)


def show_run(console: Console, run: RunDiff) -> None:
    """Print a line per cell, the worst first, then what could not be compared."""
    console.print(Text(run.sentence), soft_wrap=True)
    table = _table("cell", "before", "after", "change", "why")
    for cell in run.cells:
        time = cell.time
        table.add_row(
            Text(cell.after.cell or cell.after.label),
            _value(time, time.before),
            _value(time, time.after),
            Text(signed_percent(time.percent), _STYLE[cell.verdict]),
            Text(cell.sentence.partition(": ")[2] or cell.sentence),
        )
    console.print(table)
    for title, keys in (("only before", run.only_before), ("only after", run.only_after)):
        for key in keys:
            console.print(Text.assemble((title, "yellow"), f" {key}"), soft_wrap=True)
    for missed in run.not_compared:
        console.print(
            Text.assemble(("not compared", "yellow"), f" {missed.cell}: {missed.reason}"), soft_wrap=True
        )


def _headline(cell: CellDiff) -> Text:
    name = cell.after.cell or cell.after.label
    return Text.assemble((cell.verdict.value, _STYLE[cell.verdict]), f" {name}: {cell.sentence}")


def _waterfall(cell: CellDiff) -> Table:
    """Draw the change from before to after, each bar starting where the last one ended; small parts share one row."""
    time = cell.figure("time_us")
    start, end = (time.before or 0.0, time.after or 0.0) if time else (0.0, 0.0)
    table = _table("what the difference consists of", "µs", "cycles", "", left=(0, 3))
    shown = list(_largest(cell.contributions))
    levels = [start]
    for part in shown:
        levels.append(levels[-1] + part.us)
    low, high = min(*levels, end), max(*levels, end)
    # Most of a bar is the same on both sides, so the scale starts just below where they differ.
    floor = max(0.0, low - 0.1 * (high - low))
    span = (high - floor) or 1.0

    def bar(left: float, right: float) -> Text:
        a, b = (round((value - floor) / span * _BAR) for value in sorted((left, right)))
        style = "red" if right > left else "green"
        return Text(" " * a + "█" * max(b - a, 1), style)

    table.add_row(
        Text("before", "bold"),
        microseconds(start),
        "",
        Text("█" * round((start - floor) / span * _BAR), "dim"),
    )
    for part, left, right in zip(shown, levels, levels[1:], strict=False):
        cycles = signed(part.cycles, count) if part.cycles else ""
        table.add_row(Text(part.name), signed_time(part.us), cycles, bar(left, right))
    table.add_row(
        Text("after", "bold"), microseconds(end), "", Text("█" * round((end - floor) / span * _BAR), "dim")
    )
    return table


def _largest(parts: Sequence[Contribution]) -> Iterable[Contribution]:
    yield from parts[:_ROWS]
    if rest := parts[_ROWS:]:
        yield Contribution(
            part=rest[0].part,
            name=f"{len(rest)} smaller parts",
            cycles=sum(part.cycles for part in rest),
            us=sum(part.us for part in rest),
        )


def _figures(cell: CellDiff) -> Table:
    table = _table("figure", "before", "after", "change", "")
    figures = [figure for figure in cell.figures if figure.before or figure.after]
    for figure in figures:
        before, after = _value(figure, figure.before), _value(figure, figure.after)
        table.add_row(
            BY_NAME[figure.name].title_of(cell.after.origin) if figure.name in BY_NAME else figure.name,
            before,
            after,
            _difference(figure) if before != after else "",
            signed_percent(figure.percent) if before != after else "",
        )
    for resource in cell.resources:
        use = resource.utilization
        table.add_row(
            Text(f"{resource.unit} of core {resource.core}, mean use"),
            f"{_value(use, use.before)} x {resource.threads.before:.0f}",
            f"{_value(use, use.after)} x {resource.threads.after:.0f}",
            _difference(use),
            "",
        )
    return table


def _ops(cell: CellDiff) -> Table:
    table = _table("op", "type", "dominant path", "DRAM", "HTP ops", "what happened", left=(0, 1, 5))
    for op in [op for op in cell.ops if op.dominant.change][:_ROWS]:
        table.add_row(
            Text(op.name, overflow="fold"),
            Text(op.type),
            _difference(op.dominant),
            _difference(op.dram),
            _difference(op.htp_ops),
            Text(words(op.effect)),
        )
    return table


def _table(*titles: str, left: Sequence[int] = (0, -1)) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    places = {place % len(titles) for place in left}
    for place, title in enumerate(titles):
        table.add_column(title, justify="left" if place in places else "right")
    return table


def _value(figure: Figure, value: float | None) -> str:
    if value is None:
        return "?"
    return BY_NAME[figure.name].text(value) if figure.name in BY_NAME else SHOW[figure.unit](value)


def _difference(figure: Figure) -> str:
    change = figure.change
    if not change:
        return ""
    if figure.unit is Unit.MICROSECONDS:
        return signed_time(change)
    if figure.unit is Unit.PERCENT:
        return signed_points(change)
    return signed(change, BY_NAME[figure.name].text if figure.name in BY_NAME else SHOW[figure.unit])
