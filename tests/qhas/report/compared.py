"""A comparison of two cells, without the files it would be made of."""

from __future__ import annotations

from fakes.records import record
from qhas.diff.model import (
    CellDiff,
    Circumstance,
    CircumstanceKind,
    Contribution,
    Figure,
    OpEffect,
    Outcome,
    Part,
    Side,
    Source,
    Unit,
)
from qhas.runs.record import Origin


def contribution(name: str, us: float, **changes: object) -> Contribution:
    """What a part adds."""
    named = {"part": Part.OPS, "name": name, "us": us, "cycles": us * 1000, "effect": OpEffect.NONE}
    return Contribution.model_validate(named | changes)


def compared(before: float, after: float, parts: list[Contribution] | None = None) -> CellDiff:
    """Of these times in microseconds, with one contribution unless others are given."""
    time = Figure(name="time_us", unit=Unit.MICROSECONDS, before=before, after=after)
    side = {"model": "net", "soc": "sm8750", "origin": Origin.SIMULATOR, "cell": record().cell.key}
    percent = 100 * (after - before) / before
    return CellDiff(
        before=Side(label="nightly-0", **side),
        after=Side(label="nightly-1", **side),
        verdict=Outcome.WORSE if percent > 3 else Outcome.BETTER if percent < -3 else Outcome.SAME,
        sentence=f"{after - before:+g} µs: six Conv2d gained a format change.",
        cause=None,
        time=time,
        figures=[time, Figure(name="dram_read", unit=Unit.BYTES, before=100, after=138)],
        resources=[],
        contributions=[contribution("6 Conv2d, format change added", after - before)]
        if parts is None
        else parts,
        circumstances=[
            Circumstance(kind=CircumstanceKind.VTCM, source=Source.RECORD, sentence="VTCM 8 → 2 MB")
        ],
        ops=[],
        htp_ops=[],
        remarks=["The names of 2 ops moved."],
    )
