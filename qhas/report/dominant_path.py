"""The dominant path of a cell as a bar, split by op type."""

from __future__ import annotations

from typing import NamedTuple

from qhas.report.families import family_of
from qhas.runs.record import CellRecord


class PathShare(NamedTuple):
    """A piece of the bar that shows a dominant path, in percent."""

    op: str
    family: str
    begin: float
    width: float


def path_of(record: CellRecord) -> list[PathShare]:
    """Return the pieces of the dominant path that the record lists, from 0.5 % on; the rest of the path has no piece."""
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
