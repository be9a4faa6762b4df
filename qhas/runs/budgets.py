"""A cell's figures against its budget."""

from __future__ import annotations

from qhas.profile.figures import BY_BUDGET_KEY, GRAPH, TIME, Profile
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.origin import Origin
from qhas.profile.runtrace import Runtrace
from qhas.runs.record import BudgetResult, BudgetState
from qhas.sweep.budget import Budget, Limit
from qhas.units import count

_OF_ORIGIN = {Origin.DEVICE: "measured", Origin.SIMULATOR: "simulated"}
_OPS = "ops."


def check_budget(
    budget: Budget,
    metrics: Metrics | None,
    latency: Latency | None,
    origin: Origin,
    runtrace: Runtrace | None = None,
) -> list[BudgetResult]:
    """Every limit of the budget against its figure, in the order of the budget's fields.

    `time_us` of a device is held against the graph's own time: power-up and VTCM acquire differ from run to run by more
    than networks take.
    """
    profile = Profile(metrics, latency, runtrace)
    alone = origin is Origin.DEVICE and GRAPH.read(profile) is not None
    return [
        _result(
            name,
            limit,
            GRAPH.read(profile) if alone and name == TIME.budget else _value(name, profile),
            f"{_OF_ORIGIN[origin]}, the graph alone" if alone and name == TIME.budget else _OF_ORIGIN[origin],
            _judges(budget, name, origin),
        )
        for name, limit in budget.limits.items()
    ]


def _judges(budget: Budget, name: str, origin: Origin) -> bool:
    """A figure that there is for one origin only is judged for that, whatever the budget says."""
    figure = BY_BUDGET_KEY.get(name)
    if figure and len(figure.origins) == 1:
        return origin in figure.origins
    return budget.origin in (None, origin)


def _value(name: str, profile: Profile) -> float | None:
    if figure := BY_BUDGET_KEY.get(name):
        return figure.read(profile)
    counts = profile.metrics.op_counts if profile.metrics else None
    return None if counts is None else counts.get(name.removeprefix(_OPS), 0)


def _result(name: str, limit: Limit, value: float | None, of: str, judged: bool) -> BudgetResult:
    show = BY_BUDGET_KEY[name].text if name in BY_BUDGET_KEY else count
    allowed = " and ".join(
        f"at {side} {show(bound)}"
        for side, bound in (("least", limit.at_least), ("most", limit.at_most))
        if bound is not None
    )
    if not judged:
        state, told = BudgetState.NOT_JUDGED, f"the budget is not for {of} figures"
    elif value is None:
        state, told = BudgetState.NO_FIGURE, "there is no such figure of this cell"
    else:
        state = BudgetState.KEPT if _within(limit, value) else BudgetState.OVER
        told = f"{show(value)} ({of})"
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
