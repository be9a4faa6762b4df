"""A comparison of runs as Markdown and as table rows. Names of networks and ops are data: they are escaped."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.diff.model import CellDiff, Outcome, RunDiff
from qhas.markdown import as_text
from qhas.profile.figures import SHOW
from qhas.units import count, signed, signed_percent, signed_time

_EXPLAINED = 20
"""Number of cells shown in full; the table has them all."""
_PARTS = 8


def cell_rows(diff: RunDiff) -> list[dict[str, str]]:
    """Return a row for each cell that was compared, the worst first, then for those that were not."""
    compared = [
        {
            "cell": cell.after.cell or cell.after.label,
            "verdict": str(cell.verdict),
            "before": SHOW[cell.time.unit](cell.time.before or 0.0),
            "after": SHOW[cell.time.unit](cell.time.after or 0.0),
            "change": signed_percent(cell.time.percent),
            "why": cell.sentence,
        }
        for cell in diff.cells
    ]
    missed = [
        {
            "cell": skipped.cell,
            "verdict": "not compared",
            "before": "",
            "after": "",
            "change": "",
            "why": skipped.reason,
        }
        for skipped in diff.not_compared
    ]
    return compared + missed


def explained(diff: RunDiff) -> str:
    """Return the sentence of the runs and, for cells whose time changed, the largest parts of the change."""
    changed = [cell for cell in diff.cells if cell.verdict is not Outcome.SAME]
    parts = [f"# {as_text(diff.after)} against {as_text(diff.before)}", as_text(diff.sentence)]
    parts += ["\n".join(_cell(cell)) for cell in changed[:_EXPLAINED]]
    if len(changed) > _EXPLAINED:
        parts.append(f"{len(changed) - _EXPLAINED} more cells changed; `qhas compare` shows them.")
    for title, keys in (("Only before", diff.only_before), ("Only after", diff.only_after)):
        if keys:
            parts.append(f"{title}: {', '.join(map(as_text, keys))}.")
    return "\n\n".join(parts)


def _cell(cell: CellDiff) -> Iterator[str]:
    yield f"## {as_text(cell.after.cell or cell.after.label)}: {cell.verdict}"
    yield ""
    yield as_text(cell.sentence)
    yield ""
    yield "| part | time | cycles |"
    yield "|---|---:|---:|"
    for part in cell.contributions[:_PARTS]:
        yield f"| {as_text(part.name)} | {signed_time(part.us)} | {signed(part.cycles, count)} |"
    for remark in cell.remarks:
        yield f"\n{as_text(remark)}"
