"""A run as tables: the results of its cells, what failed, what each site did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhas.llm.foreseen import sentences as language_sentences
from qhas.profile.figures import COSINE, DRAM, LATENCY, P90, PEAK_VTCM, SQNR, TIME, Figure
from qhas.runs import keys
from qhas.runs.expected import unseen_of
from qhas.runs.front import fronts
from qhas.runs.record import BudgetState, CellRecord, Origin, SweepRecord, by_graph
from qhas.runs.rows import HMX, ORIGIN_TITLE, Row, by_origin, legend, row, site_table, without_accuracy
from qhas.store import Store

_TOLD = 8
"""Maximum number of language-model graphs whose expectations are shown; `--json` has all."""
_NAMED = 4
"""Maximum number of cells that a line names; a sweep has hundreds."""


def show_run(console: Console, run: SweepRecord, cells: list[CellRecord]) -> None:
    """Print a table per origin of figures, each with its poor figures; then failures with next steps, and sites."""
    for origin, records in by_origin(by_graph(cells)):
        console.print(_table(run, origin, records, console.width))
        for sentence in legend(records):
            console.print(sentence, style="dim", markup=False)
        for label, sentence in islice(language_sentences(records).items(), _TOLD):
            console.print(f"expected {label}: {sentence}.", style="dim", markup=False, soft_wrap=True)
        for front in fronts(records):
            for sentence in front.sentences:
                console.print(Text(sentence), soft_wrap=True)
        for record in records:
            if (line := row(record)).mark:
                console.print(Text.assemble((line.mark, "red"), f" {record.cell.label}: {line.note}."))
            for result in record.budgets:
                if result.state is BudgetState.ACCEPTED:
                    console.print(
                        f"accepted {record.cell.label}: {result.sentence}", style="dim", markup=False
                    )
            for result in record.over_budget:
                console.print(_failure("over budget", record.cell.label, result.sentence), soft_wrap=True)
    for sentence, labels in unseen_of(by_graph(cells)).items():
        console.print(
            Text.assemble(("not seen", "yellow"), f" {_several(labels)}: {sentence}"), soft_wrap=True
        )
    for why, labels in without_accuracy(by_graph(cells)).items():
        console.print(
            Text.assemble(("no accuracy", "yellow"), f" {_several(labels)}: {why}."), soft_wrap=True
        )
    causes: dict[tuple[str, str], list[str]] = {}
    for record in cells:
        if failure := record.failure:
            causes.setdefault((failure.kind, f"{failure.message} {failure.hint}"), []).append(_where(record))
    for (kind, message), places in causes.items():
        console.print(_failure(kind, _several(places), message))
    if run.sites:
        console.print(_sites(run))


def _several(labels: list[str]) -> str:
    named, more = ", ".join(labels[:_NAMED]), len(labels) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def _sites(run: SweepRecord) -> Table:
    rows = site_table(run.sites)
    table = Table(title="What each site did", title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    for title in rows[0]:
        table.add_column(title, overflow="fold")
    for line in rows:
        table.add_row(*map(Text, line.values()))
    return table


class _Shown(NamedTuple):
    """A column of the table; to save width, `unit` is part of the title rather than of the cells."""

    field: str
    title: str
    unit: str = ""


_TYPICAL = 10_000_000
"""A value in bytes that determines a column's unit: networks move megabytes. Times always have the same unit."""


def _with_unit(field: str, figure: Figure) -> _Shown:
    unit = figure.text(_TYPICAL).split()[-1]
    return _Shown(field, f"{figure.short_of(Origin.DEVICE)} {unit}".replace(" ", "\n", 1), unit)


def _shown(field: str, figure: Figure, origin: Origin) -> _Shown:
    return _Shown(field, figure.short_of(origin))


_SHOWN = {
    Origin.DEVICE: (
        _with_unit("median", LATENCY),
        _with_unit("p90", P90),
        _Shown("spread", "spread"),
        _with_unit("time", TIME),
        _shown("cosine", COSINE, Origin.DEVICE),
        _shown("sqnr", SQNR, Origin.DEVICE),
        _Shown("hmx", HMX),
        _with_unit("dram", DRAM),
    ),
    Origin.SIMULATOR: (
        _Shown("tokens", "tokens/s"),
        _shown("time", TIME, Origin.SIMULATOR),
        _Shown("expected", "expected\nms"),
        _shown("cosine", COSINE, Origin.SIMULATOR),
        _shown("sqnr", SQNR, Origin.SIMULATOR),
        _Shown("hmx", HMX),
        _shown("dram", DRAM, Origin.SIMULATOR),
        _shown("vtcm", PEAK_VTCM, Origin.SIMULATOR),
    ),
}


def _table(run: SweepRecord, origin: Origin, records: list[CellRecord], width: int) -> Table:
    """Build a table; in a narrow terminal names are folded and the top op is left out, but no figure is cut."""
    table = Table(
        title=f"{run.run_id}: {ORIGIN_TITLE[origin]}",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
    )
    variants = any(record.cell.variant != "default" for record in records)
    folded = ["network", *(["variant"] if variants else []), *(["device"] if origin is Origin.DEVICE else [])]
    kept = ["soc", *(["budget"] if any(record.budgets for record in records) else [])]
    names = [name for name in ("network", "soc", "variant", "device", "budget") if name in (*folded, *kept)]
    lines = [row(record) for record in records]
    room = width - sum(_full(kept, lines).values())
    informative = [
        column for column in _SHOWN[origin] if column.field not in _WHERE_TOLD or _any(lines, column)
    ]
    columns = _fitting(informative, lines, room - _LEAST * len(folded))
    full = _full(folded, lines)
    if not variants and room - sum(_width_of(each, lines) for each in columns) < sum(full.values()):
        columns = [each for each in columns if each.field != _FIRST_TO_GO[0]]  # before a name is folded
    room -= sum(_width_of(each, lines) for each in columns)
    if variants and room < sum(full.values()) + _TOP_OP:
        lines = [replace(line, variant=_short(line.variant)) for line in lines]
        full = _full(folded, lines)
    with_top_op, fits = room >= sum(full.values()) + _TOP_OP, room >= sum(full.values())
    for name in names:
        least = 0 if name in kept else (full[name] if fits else _LEAST) - _GAP
        title = "SoC" if name == "soc" else name
        table.add_column(title, no_wrap=name in kept, overflow="fold", min_width=least)
    for column in columns:
        table.add_column(column.title, justify="right", no_wrap=True)
    if with_top_op:
        table.add_column("top op", overflow="fold", min_width=_TOP_OP)
    rows_of, previous = Counter(line.network for line in lines), None
    for line in lines:
        if previous not in (None, line.network) and rows_of[previous] + rows_of[line.network] > 2:
            table.add_section()
        texts = {name: getattr(line, name) for name in names}
        texts["network"] = line.network if line.network != previous else ""
        figures = [_figure(line, column) for column in columns]
        last = [line.top_op or line.status] if with_top_op else []
        # Names of ops are data, never markup.
        table.add_row(*map(Text, texts.values()), *figures, *map(Text, last))
        previous = line.network
    return table


_GAP = 2
"""Spaces after a column."""
_LEAST = 8 + _GAP
"""Minimum width of a name that is folded."""
_DEVICE = 9 + _GAP
"""The same for devices, where a failed cell lists every device it was tried on."""
_TOP_OP = 11
_FIRST_TO_GO = ("hmx", "p90", "dram", "sqnr", "expected", "vtcm")
"""Figures to leave out, in this order, if the terminal has no room for them; `--csv cells` has all."""
_WHERE_TOLD = ("cosine", "sqnr", "tokens", "hmx")
"""Figures that most runs lack: their column is shown only if a row has a value."""
_SHORT = {
    "optimization_level-": "O",
    "vtcm_mb-": "vtcm",
    "hvx_threads-": "hvx",
    "perf_profile-": "",
    "dlbc-true": "dlbc",
    "dlbc-false": "no dlbc",
    "sdk-": "sdk ",
}


def _short(variant: str) -> str:
    """Abbreviate a variant for a narrow terminal, as in `O1 vtcm2 hvx4`."""
    options = re.split(rf"\.(?={'|'.join(axis.partition('-')[0] + '-' for axis in _SHORT)})", variant)
    return " ".join(_shortened(option) for option in options)


def _shortened(option: str) -> str:
    begun = next((axis for axis in _SHORT if option.startswith(axis)), "")
    return _SHORT.get(begun, "") + option.removeprefix(begun)


def _fitting(columns: Sequence[_Shown], lines: list[Row], room: int) -> list[_Shown]:
    """Return the columns that there is room for; the least informative are left out first, and none is cut."""
    shown = list(columns)
    for field in _FIRST_TO_GO:
        if sum(_width_of(column, lines) for column in shown) > room:
            shown = [column for column in shown if column.field != field]
    return shown


def _any(lines: list[Row], column: _Shown) -> bool:
    return any(getattr(line, column.field) for line in lines)


def _width_of(column: _Shown, lines: list[Row]) -> int:
    return _width(column.title, [str(_figure(line, column)) for line in lines])


def _full(names: list[str], lines: list[Row]) -> dict[str, int]:
    return {
        name: _DEVICE if name == "device" else _width(name, [getattr(line, name) for line in lines])
        for name in names
    }


def _width(title: str, texts: list[str]) -> int:
    """Return how many terminal columns a table column needs, including its gap."""
    return max(map(cell_len, (*title.splitlines(), *texts))) + _GAP


def _figure(line: Row, column: _Shown) -> Text:
    text = str(getattr(line, column.field)).removesuffix(f" {column.unit}")
    return Text(f"{text} !", "red") if column.field == "spread" and line.mark else Text(text)


def _where(record: CellRecord) -> str:
    """Return the cell's label, with the devices it was tried on unless the failure's message names them."""
    device = row(record).device
    device_is_plain = not device or (record.failure and record.failure.message.startswith(f"{device}: "))
    return record.cell.label if device_is_plain else f"{record.cell.label}, {device}"


def _failure(kind: str, label: str, message: str) -> Text:
    return Text.assemble((kind, "red"), f" {label}: {message}")


def device_logs(store: Store, cells: list[CellRecord]) -> Iterator[str]:
    """Yield the addresses of the device logs of failed cells."""
    for record in cells:
        if record.failure and (log := record.artifact("device_log")):
            yield store.url(keys.file(record, log))


def trace_paths(store: Store, cells: list[CellRecord]) -> Iterator[str]:
    """Yield the addresses of the chrometraces of a run."""
    for record in by_graph(cells):
        if trace := record.artifact("chrometrace"):
            yield store.url(keys.file(record, trace))
