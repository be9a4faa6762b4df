"""A cell's figures against its budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qhas.profile.metrics import Latency, Metrics
from qhas.profile.origin import Origin
from qhas.runs.record import BudgetResult, BudgetState
from qhas.sweep.budget import Budget, Limit
from qhas.units import count, microseconds, size

_OF_ORIGIN = {Origin.DEVICE: "measured", Origin.SIMULATOR: "simulated"}
_OPS = "ops."


class _Figure(NamedTuple):
    read: Callable[[Metrics], float | None]
    show: Callable[[float], str]


_FIGURES: dict[str, _Figure] = {
    "time_us": _Figure(lambda metrics: metrics.time_us, microseconds),
    "cycles": _Figure(lambda metrics: metrics.timeline_cycles, count),
    "total_dram": _Figure(lambda metrics: metrics.dram_total, size),
    "dram_read": _Figure(lambda metrics: metrics.dram_read, size),
    "dram_write": _Figure(lambda metrics: metrics.dram_write, size),
    "peak_vtcm": _Figure(lambda metrics: metrics.peak_vtcm, size),
    "reference_ops": _Figure(lambda metrics: metrics.reference_ops, count),
    "format_changes": _Figure(lambda metrics: metrics.format_changes, count),
    "qnn_nodes": _Figure(lambda metrics: metrics.qnn_nodes, count),
    "htp_nodes": _Figure(lambda metrics: metrics.htp_nodes, count),
}
_LATENCY = "latency_us"


def check_budget(
    budget: Budget, metrics: Metrics | None, latency: Latency | None, origin: Origin
) -> list[BudgetResult]:
    """Every limit of the budget against its figure, in the order of the budget's fields."""
    return [
        _result(name, limit, _value(name, metrics, latency), origin, _judges(budget, name, origin))
        for name, limit in budget.limits.items()
    ]


def _judges(budget: Budget, name: str, origin: Origin) -> bool:
    """A latency is measured or there is none."""
    wanted = Origin.DEVICE if name == _LATENCY else budget.origin
    return wanted in (None, origin)


def _value(name: str, metrics: Metrics | None, latency: Latency | None) -> float | None:
    if name == _LATENCY:
        return latency.median_us if latency else None
    if metrics is None:
        return None
    if name.startswith(_OPS):
        counts = metrics.op_counts
        return None if counts is None else counts.get(name.removeprefix(_OPS), 0)
    return _FIGURES[name].read(metrics)


def _result(name: str, limit: Limit, value: float | None, origin: Origin, judged: bool) -> BudgetResult:
    show = microseconds if name == _LATENCY else _FIGURES[name].show if name in _FIGURES else count
    allowed = " and ".join(
        f"at {side} {show(bound)}"
        for side, bound in (("least", limit.at_least), ("most", limit.at_most))
        if bound is not None
    )
    if not judged:
        state, told = BudgetState.NOT_JUDGED, f"the budget is not for {_OF_ORIGIN[origin]} figures"
    elif value is None:
        state, told = BudgetState.NO_FIGURE, "there is no such figure of this cell"
    else:
        state = BudgetState.KEPT if _within(limit, value) else BudgetState.OVER
        told = f"{show(value)} ({_OF_ORIGIN[origin]})"
    return BudgetResult(
        figure=name,
        state=state,
        value=value,
        at_most=limit.at_most,
        at_least=limit.at_least,
        sentence=f"{name}: {told}; allowed: {allowed}.",
    )


def _within(limit: Limit, value: float) -> bool:
    return (limit.at_least is None or value >= limit.at_least) and (
        limit.at_most is None or value <= limit.at_most
    )
