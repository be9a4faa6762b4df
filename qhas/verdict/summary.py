"""A run's verdicts for an engineer who has ten seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from qhas.runs.record import SweepRecord
from qhas.units import words
from qhas.verdict.model import CellVerdict, Verdict, headlines

_SHOWN = (
    Verdict.NEW,
    Verdict.SUSTAINED,
    Verdict.FLAKY,
    Verdict.SUSPICIOUS,
    Verdict.POOR_CONDITIONS,
    Verdict.ENVIRONMENTAL,
    Verdict.RECOVERED,
    Verdict.IMPROVED,
    Verdict.CHANGED,
)
"""What the Markdown lists; the others are counted."""
_LISTED = 20
"""Rows of the Markdown; the report has all of them."""


def morning_line(verdicts: Collection[CellVerdict]) -> str:
    """One or two sentences on what changed, the gravest cell named; what a flow's state and the terminal show."""
    gravest = list(headlines(verdicts).values())
    told = []
    if new := _of(gravest, Verdict.NEW):
        told.append(f"{_numbered(len(new), 'new regression')}, the first: {new[0].sentence}")
    if sustained := _of(gravest, Verdict.SUSTAINED):
        told.append(f"{len(sustained)} sustained{'' if new else f', the first: {sustained[0].sentence}'}")
    counts = Counter(one.verdict for one in gravest)
    rest = [
        f"{counts[verdict]} {words(verdict)}"
        for verdict in _SHOWN
        if verdict not in (Verdict.NEW, Verdict.SUSTAINED) and counts[verdict]
    ]
    if moved := _of(gravest, Verdict.ENVIRONMENTAL):
        devices = ", ".join(sorted({one.device for one in moved if one.device}))
        rest.append(f"look at {devices}")
    young = counts[Verdict.INSUFFICIENT_DATA]
    if young:
        rest.append(f"{_numbered(young, 'cell')} with too few nights")
    if not told and len(gravest) > young:
        told.append(f"No regression in {_numbered(len(gravest) - young, 'judged cell')}")
    if not told and not rest:
        told.append("Nothing was judged")
    return f"{'; '.join([*(one.rstrip('.') for one in told), *rest])}."


def morning_page(run: SweepRecord, verdicts: Collection[CellVerdict]) -> str:
    """The same as Markdown, with a table of every cell that is not steady."""
    gravest = sorted(headlines(verdicts).values(), key=lambda one: (one.verdict.rank, one.cell))
    good = f"**{run.good} of {run.cells} cells good**"
    rest = ", ".join(
        f"{count} {what}" for count, what in ((run.failed, "failed"), (run.missing, "not run")) if count
    )
    lines = [f"{good}{f', {rest}' if rest else ''}. {morning_line(verdicts)}"]
    if listed := [one for one in gravest if one.verdict in _SHOWN]:
        lines += ["", "| cell | verdict | why |", "|---|---|---|"]
        lines += [
            f"| {one.cell} | {words(one.verdict)} | {_cell(one.sentence)} |" for one in listed[:_LISTED]
        ]
    if len(listed) > _LISTED:
        lines += ["", f"And {len(listed) - _LISTED} more."]
    return "\n".join([*lines, "", f"Run {run.run_id}."])


def _of(verdicts: Sequence[CellVerdict], kind: Verdict) -> list[CellVerdict]:
    """Of a kind, the largest change first."""
    return sorted(
        (one for one in verdicts if one.verdict is kind), key=lambda one: -abs(one.change_percent or 0)
    )


def _numbered(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table."""
    return text.replace("|", "\\|").replace("\n", " ")
