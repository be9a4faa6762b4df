"""An LLM answer as one self-contained HTML file: rates against context, figures, and where the time of a pass goes."""

from __future__ import annotations

from dataclasses import dataclass

from qhas.llm.model import LlmAnswer, LlmFigures
from qhas.llm.table import expected_rows, expected_sentences, figure_rows
from qhas.profile.language import PassFigures
from qhas.report.rendering import render
from qhas.units import rate

WIDTH, HEIGHT = 640, 240
_LEFT, _BOTTOM, _ROOM = 50, 24, 110
"""Pixels for the scale, for the contexts, and for the names of the lines."""
_COLOURS = ("#4269d0", "#efb118", "#3ca951", "#ff725c", "#a463f2", "#6cc5b0", "#97bbf5", "#9c6b4e")


@dataclass(frozen=True)
class Line:
    """A SoC's tokens per second: points in pixels, each with its text."""

    soc: str
    colour: str
    points: list[tuple[float, float, str]]

    @property
    def path(self) -> str:
        """The points in SVG's path syntax."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in self.points)


@dataclass(frozen=True)
class Chart:
    """Rates from 0 to `top`, over contexts given by position and label."""

    title: str
    top: str
    contexts: list[tuple[float, str]]
    lines: list[Line]


@dataclass(frozen=True)
class Bar:
    """A pass, and its parts with a percentage and a colour each."""

    title: str
    parts: list[tuple[str, float, str]]


def page(answer: LlmAnswer) -> str:
    """Render the page; names are data and are escaped."""
    titles, rows = figure_rows(answer)
    bars = [
        bar
        for each in answer.figures
        for bar in (_bar(each, "decode", each.decode), _bar(each, "prefill", each.prefill))
    ]
    return render(
        "llm.html", ".", answer=answer, titles=titles, rows=rows, expected=expected_rows(answer), outlook=expected_sentences(answer), charts=charts(answer), bars=bars, width=WIDTH, height=HEIGHT,
        left=_LEFT, right=WIDTH - _ROOM, bottom=HEIGHT - _BOTTOM,
    )  # fmt: skip


def charts(answer: LlmAnswer) -> list[Chart]:
    """Return charts of decode and prefill against context; none if there is only one context."""
    if len({each.context for each in answer.figures}) < 2:
        return []
    return [
        _chart("decode, tokens/s", answer, {id(each): each.decode_tokens_per_s for each in answer.figures}),
        _chart("prefill, tokens/s", answer, {id(each): each.prefill_tokens_per_s for each in answer.figures}),
    ]


def _chart(title: str, answer: LlmAnswer, rates: dict[int, float]) -> Chart:
    most, longest = max(rates.values()), max(each.context for each in answer.figures)

    def place(context: int) -> float:
        return _LEFT + (WIDTH - _LEFT - _ROOM) * context / longest

    def point(each: LlmFigures) -> tuple[float, float, str]:
        value = rates[id(each)]
        height = (HEIGHT - 2 * _BOTTOM) * value / most
        return place(each.context), HEIGHT - _BOTTOM - height, f"{each.context:,}: {rate(value)}"

    socs = dict.fromkeys(each.soc for each in answer.figures)
    lines = [
        Line(
            soc,
            _COLOURS[at % len(_COLOURS)],
            sorted(point(each) for each in answer.figures if each.soc == soc),
        )
        for at, soc in enumerate(socs)
    ]
    contexts = sorted({each.context for each in answer.figures})
    return Chart(title, rate(most), [(place(each), f"{each:,}") for each in contexts], lines)


def _bar(each: LlmFigures, name: str, figures: PassFigures) -> Bar:
    parts = [
        (share.part, share.percent, _COLOURS[at % len(_COLOURS)])
        for at, share in enumerate(figures.shares)
        if share.percent >= 1
    ]
    return Bar(f"{each.soc}, context {each.context:,}, {name}", parts)
