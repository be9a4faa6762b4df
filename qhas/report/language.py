"""What pages say about language models: rates against context, and where the time and the bytes of a pass go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from qhas.llm.foreseen import foreseen, sentence
from qhas.profile.figure import Figure
from qhas.profile.language import Language, PassFigures, Share
from qhas.profile.language_figures import DECODE, FIRST_TOKEN, PREFILL, TOKEN_DRAM
from qhas.report.links import cell_page
from qhas.report.plots import Plot
from qhas.runs.record import CellRecord, Origin
from qhas.sweep.spec import DEFAULT
from qhas.units import mebibytes, microseconds, percent, size

_POINTS = 2
"""The fewest contexts that make a line."""
_LEAST_SHARE = 0.1
"""Percent of the blocks' time below which a part has no row."""
RATES = (DECODE, PREFILL, FIRST_TOKEN, TOKEN_DRAM)


class Whole(NamedTuple):
    """A pass through a whole model: rows of a title and a text, and the parts of its blocks' time."""

    language: Language
    name: str
    expected: str
    rows: list[tuple[str, str]]
    shares: list[Share]


class Row(NamedTuple):
    """A language model in a variant on a SoC: a text for each of `RATES`, each from the graph that has it."""

    network: str
    soc: str
    variant: str
    context: int
    texts: list[str]
    expected: str
    """The figures expected on devices, for each graph that has an expectation."""
    href: str


def whole_of(record: CellRecord) -> Whole | None:
    """Return the pass that a cell's graph is part of; None if the cell is not a language model's."""
    language = record.language
    if language is None:
        return None
    name = "token in decode" if language.whole.decodes else f"pass of prefill, {language.whole.tokens} tokens"
    shares = [share for share in language.whole.shares if share.percent >= _LEAST_SHARE]
    return Whole(language, name, sentence(record), _rows(language, language.whole), shares)


def _rows(language: Language, whole: PassFigures) -> list[tuple[str, str]]:
    blocks = whole.time_us - whole.constant_us - whole.ends_us
    rows = [
        ("time", microseconds(whole.time_us)),
        ("of which in blocks", f"{microseconds(blocks)}, each {microseconds(whole.block_us)}"),
        ("of which independent of the number of blocks", microseconds(whole.constant_us)),
        ("of which vocabulary look-up and projection", microseconds(whole.ends_us)),
        ("DRAM", size(whole.dram)),
        ("of which weights, once", size(whole.weights)),
        ("of which cache, once", size(whole.cache)),
        ("of which the rest: activations, spills, repeated reads", size(whole.rest)),
        ("peak VTCM", mebibytes(whole.peak_vtcm)),
    ]
    if whole.of_dram_peak is not None:
        rows.append(("share of what DRAM could move in that time", percent(whole.of_dram_peak)))
    if whole.decodes:
        rows.append(("context binary", size(language.context_bytes)))
    return rows


def language_rows(records: Iterable[CellRecord]) -> list[Row]:
    """Return a row per cell, its graphs together, in the order of the records."""
    cells: Mapping[tuple[str, str, str], list[CellRecord]] = defaultdict(list)
    for record in records:
        if record.language:
            cell = record.cell
            cells[cell.model.name, cell.soc, cell.variant.rpartition("/")[0]].append(record)
    return [_row(key, graphs) for key, graphs in cells.items()]


def _row(key: tuple[str, str, str], graphs: Sequence[CellRecord]) -> Row:
    values = [
        next((value for graph in graphs if (value := figure.read(graph)) is not None), None)
        for figure in RATES
    ]
    texts = ["" if value is None else figure.text(value) for figure, value in zip(RATES, values, strict=True)]
    contexts = [graph.language.context for graph in graphs if graph.language]
    return Row(*key, contexts[0], texts, _expected(graphs), cell_page(graphs[0].cell))


def _expected(graphs: Sequence[CellRecord]) -> str:
    answers = [answer for graph in graphs if isinstance(answer := foreseen(graph), tuple)]
    return "; ".join(f"{each.text} {each.unit} by {each.runtime}" for answer in answers for each in answer)


def rate_plots(records: Sequence[CellRecord], origin: Origin) -> list[Plot]:
    """Plot decode and prefill against context, with a line for each model, SoC and other options.

    There are no plots if there is only one context.
    """
    return [plot for figure in (DECODE, PREFILL) if (plot := _plot(figure, records, origin))]


def _plot(figure: Figure, records: Sequence[CellRecord], origin: Origin) -> Plot | None:
    lines: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for record in records:
        if record.language and (rate := figure.read(record)) is not None:
            lines[_line(record)].append((record.language.context, rate))
    if len({context for points in lines.values() for context, _ in points}) < _POINTS:
        return None
    return Plot(
        f"{origin}-{figure.name}",
        f"{figure.title_of(origin)}, against context; simulated",
        [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": name,
                "x": [context for context, _ in sorted(points)],
                "y": [rate for _, rate in sorted(points)],
                "hovertemplate": "context %{x:,}: %{y:,.1f} tokens/s",
            }
            for name, points in lines.items()
        ],
        {
            "height": 300,
            "showlegend": True,
            "xaxis": {"rangemode": "tozero"},
            "yaxis": {"rangemode": "tozero"},
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        },
    )


def _line(record: CellRecord) -> str:
    """Name the line of cells that differ in their context only."""
    options = record.cell.variant.rpartition("/")[0].split(".")
    others = [option for option in options if not option.startswith("context-") and option != DEFAULT]
    return " ".join([record.cell.model.name, record.cell.soc, *others])
