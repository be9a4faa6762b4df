"""A comparison of two cells as the real one builds it, in words that are easy to find on a page."""

from __future__ import annotations

from fakes.records import record
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff, Circumstance, CircumstanceKind, Contribution, OpEffect, Part, Source
from tests.qhas.diff.summaries import Made, made


def contribution(name: str, us: float, **changes: object) -> Contribution:
    """The contribution of one part."""
    named = {"part": Part.OPS, "name": name, "us": us, "cycles": us * 1000, "effect": OpEffect.NONE}
    return Contribution.model_validate(named | changes)


def compared(before: int, after: int, parts: list[Contribution] | None = None) -> CellDiff:
    """A comparison of two times in microseconds, with one contribution unless others are given."""
    files = [
        made([Made("conv")], time_us=us, graph_execute_us=us, total_dram_read=dram)
        for us, dram in ((before, 100), (after, 138))
    ]
    sides = [Evidence(file, record(run_id=f"nightly-{number}")) for number, file in enumerate(files)]
    told = {
        "sentence": f"{after - before:+g} µs: six Conv2d gained a format change.",
        "contributions": [contribution("6 Conv2d, format change added", after - before)]
        if parts is None
        else parts,
        "circumstances": [
            Circumstance(kind=CircumstanceKind.VTCM, source=Source.RECORD, sentence="VTCM 8 → 2 MB")
        ],
        "remarks": ["The names of 2 ops moved."],
    }
    return compare(*sides).model_copy(update=told)
