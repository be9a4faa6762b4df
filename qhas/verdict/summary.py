"""A run's verdicts for an engineer who has ten seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from qhas.markdown import as_text
from qhas.profile.figures import HEADLINE
from qhas.runs.record import SweepRecord
from qhas.units import counted, percent, signed, words
from qhas.verdict.model import CellVerdict, SdkOutcome, Verdict, headlines
from qhas.verdict.upgrade import UpgradeTable, apart_from_upgrades, upgrade_tables

_SHOWN = (
    Verdict.NEW,
    Verdict.SUSTAINED,
    Verdict.DRIFTING,
    Verdict.FLAKY,
    Verdict.SUSPICIOUS,
    Verdict.POOR_CONDITIONS,
    Verdict.ENVIRONMENTAL,
    Verdict.RECOVERED,
    Verdict.IMPROVED,
    Verdict.CHANGED,
    Verdict.ACCEPTED,
)
"""Verdicts that the Markdown lists; the others are counted."""
_LISTED = 20
"""The most rows of a table in the Markdown; the report has all of them."""


def morning_line(verdicts: Collection[CellVerdict]) -> str:
    """Say what changed, naming the gravest cell, for a flow's state and the terminal.

    Empty if nothing could be judged yet, as on the first nights of a sweep.
    """
    upgrades = upgrade_tables(verdicts)
    own = apart_from_upgrades(verdicts)
    gravest = list(headlines(own).values())
    sentences = [_of_upgrade(table) for table in upgrades]
    if new := _of(gravest, Verdict.NEW):
        sentences.append(f"{counted(len(new), 'new regression')}, the first: {new[0].sentence}")
    if sustained := _of(gravest, Verdict.SUSTAINED):
        sentences.append(
            f"{len(sustained)} sustained{'' if new else f', the first: {sustained[0].sentence}'}"
        )
    if drifting := _of(gravest, Verdict.DRIFTING):
        sentences.append(
            f"{len(drifting)} drifting{'' if new or sustained else f', the first: {drifting[0].sentence}'}"
        )
    counts = Counter(cell.verdict for cell in gravest)
    rest = [
        f"{counts[verdict]} {words(verdict)}"
        for verdict in _SHOWN
        if not verdict.regressed and counts[verdict]
    ]
    if moved := _of(gravest, Verdict.ENVIRONMENTAL):
        devices = ", ".join(sorted({cell.device for cell in moved if cell.device}))
        rest.append(f"look at {devices}")
    judged = _judged(own)
    if judged and not any(cell.verdict.regressed for cell in gravest):
        sentences.append(f"No regression in {counted(judged, 'judged cell')}")
    if judged and (young := counts[Verdict.INSUFFICIENT_DATA]):
        rest.append(f"{counted(young, 'cell')} with too few nights")
    return (
        f"{'; '.join([*(sentence.rstrip('.') for sentence in sentences), *rest])}."
        if sentences or rest
        else ""
    )


def _judged(verdicts: Collection[CellVerdict]) -> int:
    """Count the cells whose time was compared with its history: other figures alone do not make a cell judged."""
    silent = (Verdict.INSUFFICIENT_DATA, Verdict.POOR_CONDITIONS)
    return sum(
        verdict.metric is HEADLINE[verdict.origin] and verdict.verdict not in silent for verdict in verdicts
    )


def _of_upgrade(table: UpgradeTable) -> str:
    line = str(table)
    first = f", the first: {table.moved[0].sentence}" if table.of(SdkOutcome.SLOWER) else ""
    return f"{line[0].upper()}{line[1:]}{first}"


def morning_page(run: SweepRecord, verdicts: Collection[CellVerdict]) -> str:
    """Render the summary as Markdown, with a table of the cells that are not steady and one for each new SDK."""
    gravest = sorted(
        headlines(apart_from_upgrades(verdicts)).values(),
        key=lambda verdict: (verdict.verdict.rank, verdict.cell),
    )
    good = f"**{run.good} of {run.cells} cells good**"
    rest = ", ".join(
        f"{count} {state}" for count, state in ((run.failed, "failed"), (run.missing, "not run")) if count
    )
    lines = [f"{good}{f', {rest}' if rest else ''}. {as_text(morning_line(verdicts))}".rstrip()]
    if listed := [verdict for verdict in gravest if verdict.verdict in _SHOWN]:
        lines += ["", "| cell | verdict | why |", "|---|---|---|"]
        lines += [
            f"| {as_text(verdict.cell)} | {words(verdict.verdict)} | {as_text(verdict.sentence)} |"
            for verdict in listed[:_LISTED]
        ]
    lines += _more(listed)
    for table in upgrade_tables(verdicts):
        if moved := table.moved:
            lines += ["", f"### {as_text(str(table))}", "", "| cell | change | why |", "|---|---:|---|"]
            lines += [
                f"| {as_text(verdict.cell)} | {signed(verdict.change_percent or 0, percent)} | {as_text(verdict.sentence)} |"
                for verdict in moved[:_LISTED]
            ]
            lines += _more(moved)
    return "\n".join([*lines, "", f"Run {run.run_id}."])


def _more(listed: Sequence[CellVerdict]) -> list[str]:
    return ["", f"And {len(listed) - _LISTED} more."] if len(listed) > _LISTED else []


def _of(verdicts: Sequence[CellVerdict], kind: Verdict) -> list[CellVerdict]:
    """Return the verdicts of a kind, the largest change first."""
    return sorted(
        (verdict for verdict in verdicts if verdict.verdict is kind),
        key=lambda verdict: -abs(verdict.change_percent or 0),
    )
