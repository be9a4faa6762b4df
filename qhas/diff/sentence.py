"""The one sentence: how much, where, and why, the largest part first.

+217 µs (+28.6 %) on sa8255: VTCM 8 → 2 MB; 22 Conv2d moved more to and from DRAM (+158 µs), idle (+31 µs); DRAM reads +38 %
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from qhas.diff.figures import LATENCY
from qhas.diff.model import Circumstance, Contribution, Figure, Side, Verdict
from qhas.rows import microseconds, size

_CARRIERS = 3
_ENOUGH = 0.8
"""Share of the difference at which no further contribution is told."""
_WORTH_TELLING = 0.05
"""Share of the difference below which a contribution is not told, and share of itself below which a figure is not."""
_CAUSES = 2
_MEMORY = {"dram_read": "DRAM reads", "dram_write": "DRAM writes", "vtcm_read": "VTCM reads"}
_COUNTS = {"reference_ops": "reference ops", "format_changes": "format changes", "htp_nodes": "HTP ops"}
_MILLISECOND = 1000.0


def sentence(
    time: Figure,
    verdict: Verdict,
    sides: tuple[Side, Side],
    circumstances: Sequence[Circumstance],
    contributions: Sequence[Contribution],
    figures: Mapping[str, Figure],
) -> str:
    """For people; names of ops in it are data."""
    qhas = figures["time_us"]
    causes = [one.sentence for one in circumstances if one.explains]
    parts = [_together(causes), ", ".join(_carriers(contributions, qhas)), ", ".join(_figures(figures))]
    told = "; ".join(part for part in parts if part)
    head = f"{_amount(time, verdict)} on {_soc(sides)}"
    if time.name == LATENCY:
        told = f"first inference {_change(qhas)}" + (f": {told}" if told else "")
    return f"{head}: {told}." if told else f"{head}; nothing else changed."


def _amount(time: Figure, verdict: Verdict) -> str:
    change = _change(time)
    return (
        f"Latency {change}"
        if time.name == LATENCY
        else change
        if verdict is not Verdict.SAME
        else f"Same time ({change})"
    )


def _change(figure: Figure) -> str:
    change = figure.change or 0.0
    percent = f" ({signed_percent(figure.percent)})" if figure.percent is not None else ""
    return f"{signed_time(change)}{percent}"


def _soc(sides: tuple[Side, Side]) -> str:
    names = list(dict.fromkeys(side.soc or side.model for side in sides))
    return " → ".join(names)


def _together(causes: Sequence[str]) -> str:
    if len(causes) <= 1:
        return "".join(causes)
    return f"{' and '.join(causes[:_CAUSES])}{' and more' if len(causes) > _CAUSES else ''}"


def _carriers(contributions: Sequence[Contribution], time: Figure) -> Iterator[str]:
    """The parts that make the difference, until most of it is told."""
    change, told = time.change or 0.0, 0.0
    for part in contributions[:_CARRIERS]:
        if not change or abs(part.us) < _WORTH_TELLING * abs(change) or told / change >= _ENOUGH:
            return
        told += part.us
        yield f"{part.name} ({signed_time(part.us)})"


def _figures(figures: Mapping[str, Figure]) -> Iterator[str]:
    for name, title in _MEMORY.items():
        percent = figures[name].percent
        if percent is not None and abs(percent) >= 100 * _WORTH_TELLING:
            yield f"{title} {signed_percent(percent)}"
    for name, title in _COUNTS.items():
        figure = figures[name]
        if figure.change:
            yield f"{title} {figure.before:,.0f} → {figure.after:,.0f}"


def signed_time(us: float) -> str:
    """A difference of time, as in `+1.9 ms` or `−40 µs`."""
    sign = "−" if us < 0 else "+"
    return (
        f"{sign}{abs(us) / _MILLISECOND:.1f} ms"
        if abs(us) >= _MILLISECOND
        else f"{sign}{microseconds(abs(us))}"
    )


def signed_percent(percent: float | None) -> str:
    """A difference in percent, as in `+38 %`; empty where there is none."""
    if percent is None:
        return ""
    digits = 1 if abs(percent) < 10 else 0
    return f"{'−' if percent < 0 else '+'}{abs(percent):.{digits}f} %"


def signed_size(count: float) -> str:
    """A difference of bytes, as in `+1.20 MB`."""
    return f"{'−' if count < 0 else '+'}{size(round(abs(count)))}"
