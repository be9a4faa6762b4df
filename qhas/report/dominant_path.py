"""The dominant path of a cell as a bar: what it consists of, by op type."""

from __future__ import annotations

from typing import NamedTuple

from qhas.report.families import family_of
from qhas.runs.record import CellRecord


class PathShare(NamedTuple):
    """A piece of the bar that shows what a dominant path consists of, in percent."""

    op: str
    family: str
    begin: float
    width: float


def path_of(record: CellRecord) -> list[PathShare]:
    """What the dominant path consists of, as far as the record tells: the rest is no piece."""
    pieces, begin = [], 0.0
    for share in record.metrics.top_ops if record.metrics and record.good else ():
        if share.dominant_percent >= 0.5:
            pieces.append(
                PathShare(
                    share.op, family_of(share.op).name, round(begin, 1), round(share.dominant_percent, 1)
                )
            )
            begin += share.dominant_percent
    return pieces
