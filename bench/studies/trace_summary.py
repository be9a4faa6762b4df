"""The product's trace reader with tables on top, to measure their cost: events by phase, op types, threads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from qhas.profile.event_stream import Event
from qhas.profile.trace import TraceFacts, TraceInvalid, read_trace, thread_names


@dataclass
class OpTypeCycles:
    """Cycles of the executed ops of an HTP op type, added up over parallel threads: work, not time."""

    op: str
    ops: int = 0
    cycles: int = 0
    dominant_cycles: int = 0


@dataclass(frozen=True)
class TraceSummary:
    """A chrometrace in a report: events by phase, op types by descending cycles, the overview's thread names."""

    facts: TraceFacts
    phases: dict[str, int]
    op_types: tuple[OpTypeCycles, ...]
    threads: dict[int, str]


def summarise_trace(path: Path) -> TraceSummary:
    """Read a chrometrace to its end, taking a tenth to a quarter longer than `check_trace`.

    Also raises TraceInvalid for an op without a type or a number of cycles.
    """
    phases = Counter[str]()
    threads: dict[int, str] = {}
    op_types: dict[str, OpTypeCycles] = {}

    def add(events: list[Event], executed: list[Event]) -> None:
        phases.update(event["ph"] for event in events)
        threads.update(thread_names(events))
        _add_op_types(path, op_types, executed)

    facts = read_trace(path, add)
    ranked = sorted(op_types.values(), key=lambda row: (-row.cycles, row.op))
    return TraceSummary(facts, dict(phases), tuple(ranked), threads)


def _add_op_types(path: Path, rows: dict[str, OpTypeCycles], executed: list[Event]) -> None:
    for event in executed:
        args = event["args"]
        try:
            op = str(args.get("HTP Op Type") or event["name"])
            cycles, dominant = int(args["Duration (cycles)"]), int(args.get("Dominant Path Cycles", 0))
            row = rows.get(op) or rows.setdefault(op, OpTypeCycles(op))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise TraceInvalid(
                f"{path.name} has an op at cycle {event['ts']} without type or cycles: {error!r}"
            ) from error
        row.ops += 1
        row.cycles += cycles
        row.dominant_cycles += dominant
