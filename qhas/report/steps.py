"""Where the time of a cell went: its attempts on one axis, with their tools."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qhas.runs.record import Attempt, CellRecord
from qhas.units import words


@dataclass(frozen=True)
class ToolRow:
    """A tool that an attempt ran."""

    name: str
    command: str
    seconds: float
    exit: str


@dataclass(frozen=True)
class StepRow:
    """An attempt. `begin` and `width` are percentages of the cell's time; None if the record does not state them."""

    step: str
    number: int
    device: str
    seconds: float | None
    begin: float | None
    width: float | None
    failure: str
    tools: list[ToolRow]


def step_rows(record: CellRecord) -> list[StepRow]:
    """Return the attempts in their order."""
    start = min((a.started_at for a in record.attempts if a.started_at), default=record.started_at)
    whole = max((record.finished_at - start).total_seconds(), 1e-3)
    return [_row(attempt, start, whole) for attempt in record.attempts]


def where_the_time_went(record: CellRecord) -> str:
    """Sum up the cell's time by step; empty for a record without times.

    As in `41.2 s: prepare 30.1 s, net_run 4.0 s; waiting for a device or a core between steps 7.1 s`.
    """
    if not any(attempt.seconds for attempt in record.attempts):
        return ""
    whole = (record.finished_at - record.started_at).total_seconds()
    by_step = defaultdict[str, float](float)
    for attempt in record.attempts:
        by_step[attempt.step] += attempt.seconds or 0
    parts = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in by_step.items())
    between = whole - _covered(record.attempts)
    waited = f"; waiting for a device or a core between steps {between:.1f} s" if between >= 0.1 else ""
    return f"{whole:.1f} s: {parts}{waited}"


def _row(attempt: Attempt, start: datetime, whole: float) -> StepRow:
    began = (attempt.started_at - start).total_seconds() if attempt.started_at else None
    return StepRow(
        step=attempt.step,
        number=attempt.number,
        device=attempt.device or "",
        seconds=attempt.seconds,
        begin=None if began is None else min(100.0, 100 * began / whole),
        width=None if attempt.seconds is None else min(100.0, max(0.3, 100 * attempt.seconds / whole)),
        failure=words(attempt.failure) if attempt.failure else "",
        tools=[
            ToolRow(
                name=tool.argv[0].rpartition("/")[2] if tool.argv else "",
                command=shlex.join(tool.argv),
                seconds=tool.seconds,
                exit="time limit" if tool.timed_out else tool.killed_by or f"exit code {tool.exit_code}",
            )
            for tool in attempt.tools
        ],
    )


def _covered(attempts: Sequence[Attempt]) -> float:
    """Return the seconds in which at least one attempt was under way."""
    spans = sorted(
        (a.started_at, a.started_at + timedelta(seconds=a.seconds or 0)) for a in attempts if a.started_at
    )
    covered, reached = 0.0, None
    for begin, end in spans:
        begin = begin if reached is None else max(begin, reached)
        if end > begin:
            covered += (end - begin).total_seconds()
            reached = end
    return covered
