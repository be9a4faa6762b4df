"""Why a cell takes a different time with another SDK: first the effective options, then HTP ops, then bytes."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.diff.model import CellDiff, CircumstanceKind, Part
from qhas.profile.figures import BY_NAME
from qhas.profile.origin import Origin
from qhas.runs.record import CellRecord
from qhas.units import signed_percent
from qhas.upgrade.model import Cause

_OPTIONS = {
    CircumstanceKind.VTCM: ("vtcm_mb", "vtcm_mib"),
    CircumstanceKind.HVX_THREADS: ("hvx_threads", "hvx_threads"),
    CircumstanceKind.OPTIMIZATION_LEVEL: ("optimization_level", "optimization_level"),
    CircumstanceKind.DLBC: ("dlbc", "dlbc"),
}
"""Names among the prepare options, and among those that took effect."""
_MEMORY = ("total_dram", "dram_read", "dram_write", "vtcm_read", "vtcm_write", "peak_vtcm")
_SHOWN_OPS = 3


def old_values(before: CellRecord, after: CellRecord) -> dict[str, int | bool]:
    """Return the options that took effect with other values despite equal requests, with those of `before`."""
    if before.effective is None or after.effective is None:
        return {}
    values = {}
    for asked, effective in _OPTIONS.values():
        old, new = getattr(before.effective, effective), getattr(after.effective, effective)
        same_asked = getattr(before.cell.prepare, asked) == getattr(after.cell.prepare, asked)
        if None not in (old, new) and old != new and same_asked:
            values[asked] = old if isinstance(old, bool) else int(old)
    return values


def cause_of(diff: CellDiff, options: dict[str, int | bool]) -> tuple[Cause, str]:
    """Return the cause, and a sentence with the figures that show it."""
    if options:
        sentences = [
            circumstance.sentence for circumstance in diff.circumstances if _is_of(circumstance.kind, options)
        ]
        return Cause.OPTION, " and ".join(sentences) or f"different defaults of {', '.join(options)}"
    if ops := list(_ops(diff)):
        more = f" and {len(ops) - _SHOWN_OPS} more types" if len(ops) > _SHOWN_OPS else ""
        return Cause.COMPILED, f"compiled to different HTP ops: {', '.join(ops[:_SHOWN_OPS])}{more}"
    if moved := list(_memory(diff)):
        return Cause.MEMORY, f"the same HTP ops with different memory use: {', '.join(moved)}"
    cycles = diff.figure("timeline_cycles")
    if cycles and cycles.change == 0:
        return Cause.CLOCK, "the same cycles at a different clock"
    largest = next((part.name for part in diff.contributions if part.part is Part.OPS), None)
    where = f", most in {largest}" if largest else ""
    if diff.after.origin is Origin.DEVICE:
        return Cause.RUNTIME, f"the same HTP ops and bytes on a different runtime{where}"
    return (
        Cause.COST_MODEL,
        f"the same HTP ops and bytes with different cycles{where}: the simulator's cost model",
    )


def _is_of(kind: CircumstanceKind, options: dict[str, int | bool]) -> bool:
    return kind in _OPTIONS and _OPTIONS[kind][0] in options


def _ops(diff: CellDiff) -> Iterator[str]:
    for op in sorted(diff.htp_ops, key=lambda op: -abs(op.dominant.change or 0)):
        if op.instances.change:
            yield f"{op.op} {op.instances.before or 0:.0f} → {op.instances.after or 0:.0f}"


def _memory(diff: CellDiff) -> Iterator[str]:
    """Yield the memory figures that changed, the largest change first."""
    moved = [figure for name in _MEMORY if (figure := diff.figure(name)) and figure.change]
    for figure in sorted(moved, key=lambda figure: -abs(figure.change or 0)):
        row = BY_NAME[figure.name]
        values = f"{row.text(figure.before or 0)} → {row.text(figure.after or 0)}"
        yield f"{row.words_of(diff.after.origin)} {values} ({signed_percent(figure.percent)})"
