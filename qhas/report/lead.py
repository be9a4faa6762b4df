"""What a run's page begins with: three sentences, three numbers, one next action."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from qhas.profile.figures import HEADLINE
from qhas.report.findings import Findings
from qhas.report.links import cell_page
from qhas.report.standing import Standing, Tone, standing
from qhas.report.summary import summary
from qhas.runs.record import CellRecord, Origin, SweepRecord, SweepState
from qhas.units import counted, words

_SENTENCES = 3
_LOOK = (Tone.FAILED, Tone.WORSE, Tone.DOUBT)


class Number(NamedTuple):
    """A number under its title; `of` says briefly what it refers to, and `href` leads there."""

    title: str
    text: str
    of: str = ""
    href: str = ""


class Action(NamedTuple):
    """What to do next: a sentence, the page to open, a command to paste; the last two may be empty."""

    sentence: str
    href: str = ""
    command: str = ""


class Lead(NamedTuple):
    """The head of a run's page; `more` are sentences for which there was no room."""

    sentences: list[str]
    more: list[str]
    numbers: list[Number]
    action: Action


def lead(run: SweepRecord, cells: Sequence[CellRecord], findings: Findings) -> Lead:
    """Return the head of the page."""
    stand = {record.cell.key: standing(record, findings) for record in cells}
    sentences = summary(run, cells, findings)
    if slowest := _slowest(cells):
        sentences.insert(min(len(sentences), _SENTENCES - 1), _where_time_goes(slowest))
    if cells and len(sentences) < _SENTENCES:
        sentences.insert(0, _what_ran(cells))
    return Lead(
        sentences[:_SENTENCES],
        sentences[_SENTENCES:],
        _numbers(run, cells, stand, slowest),
        _action(run, cells, stand, findings),
    )


def _slowest(cells: Sequence[CellRecord]) -> CellRecord | None:
    good = [record for record in cells if record.good and _time(record) is not None]
    return max(good, key=lambda record: _time(record) or 0.0, default=None)


def _time(record: CellRecord) -> float | None:
    return HEADLINE[record.origin].read(record)


def _text(record: CellRecord) -> str:
    time = _time(record)
    return "" if time is None else HEADLINE[record.origin].text(time)


def _what_ran(cells: Sequence[CellRecord]) -> str:
    """Describe what ran, with the nouns in singular or plural as their counts require."""
    networks = len({record.cell.model.name for record in cells})
    socs = len({record.cell.soc for record in cells})
    variants = len({record.whole.cell.variant for record in cells})
    parts = [counted(networks, "network"), f"on {counted(socs, 'SoC')}"]
    parts += [f"in {counted(variants, 'variant')}"] if variants > 1 else []
    origins = {record.origin for record in cells}
    how = (
        "measured"
        if origins == {Origin.DEVICE}
        else "simulated"
        if len(origins) == 1
        else "measured and simulated"
    )
    return f"{' '.join(parts)}, {how}."


def _where_time_goes(record: CellRecord) -> str:
    how = "measured" if record.origin is Origin.DEVICE else "estimated"
    top = record.metrics.top_ops[:1] if record.metrics else []
    op = f"; {top[0].dominant_percent:.0f} % of its path is {top[0].op}" if top else ""
    return f"Slowest is {record.cell.label}: {_text(record)} {how}{op}."


def _numbers(
    run: SweepRecord,
    cells: Sequence[CellRecord],
    stand: dict[str, Standing],
    slowest: CellRecord | None,
) -> list[Number]:
    look = Counter(standing.word for standing in stand.values() if standing.tone in _LOOK)
    whole = {
        record.whole.cell.key: record.whole.good for record in cells
    }  # a cell's graphs have records of their own
    numbers = [
        Number("cells good", f"{sum(whole.values())} of {max(run.cells, len(whole))}"),
        Number("need a look", str(look.total()), ", ".join(word for word, _ in look.most_common(2))),
    ]
    changes = [
        (round(abs(standing.percent), 1), key)
        for key, standing in stand.items()
        if standing.percent is not None
    ]
    if changes and (largest := max(changes)) and largest[0] > 0:
        key = largest[1]
        label = next(record.cell.label for record in cells if record.cell.key == key)
        numbers.append(Number("largest change", stand[key].change, label, _page(cells, key)))
    elif slowest:
        numbers.append(Number("slowest", _text(slowest), slowest.cell.label, cell_page(slowest.cell)))
    return numbers


def _page(cells: Sequence[CellRecord], key: str) -> str:
    return next(cell_page(record.cell) for record in cells if record.cell.key == key)


def _action(
    run: SweepRecord, cells: Sequence[CellRecord], stand: dict[str, Standing], findings: Findings
) -> Action:
    failed = [record for record in cells if record.failure]
    if failed:
        kind = Counter(record.failure.kind for record in failed if record.failure).most_common(1)[0][0]
        first = next(record for record in failed if record.failure and record.failure.kind is kind)
        hint = first.failure.hint if first.failure else ""
        return Action(
            f"{words(kind).capitalize()}, first in {first.cell.label}: {hint}", cell_page(first.cell)
        )
    if run.state is not SweepState.COMPLETE:
        return Action(
            "Cells are missing; run the sweep again with the same id to complete it.",
            command=f"qhas sweep SWEEP.yaml --run-id {run.run_id}",
        )
    for tone in (Tone.WORSE, Tone.DOUBT):
        if look := [record for record in cells if stand[record.cell.key].tone is tone]:
            first = max(look, key=lambda record: _change(stand[record.cell.key]))
            key = first.cell.key
            command = (
                f"qhas compare {findings.baseline}/{key} {run.run_id}/{key}" if findings.baseline else ""
            )
            return Action(f"Look at {first.cell.label}, {stand[key].word}.", cell_page(first.cell), command)
    if findings.baseline is None:
        return Action("Run it again after the next change: that run will be compared with this one.")
    return Action("Nothing to do.")


def _change(standing: Standing) -> float:
    return standing.percent or 0.0
