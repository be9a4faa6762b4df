"""Check a cell's figures against its budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from qhas.profile.figure import SIGNS
from qhas.profile.figures import BY_BUDGET_KEY, GRAPH, TIME, Profile, Unit
from qhas.profile.language_figures import OF_DECODE, OF_PREFILL
from qhas.profile.op_types import QNN_OP_TYPES
from qhas.profile.origin import Origin
from qhas.runs.record import BudgetResult, BudgetState
from qhas.sweep.budget import Budget, Limit
from qhas.units import count

_OF_ORIGIN = {Origin.DEVICE: "measured", Origin.SIMULATOR: "simulated"}
_OPS = "ops."
_TYPES = 8
"""Number of op types named in a sentence."""


def check_budget(budget: Budget, profile: Profile, origin: Origin) -> list[BudgetResult]:
    """Check every limit of the budget against its figure, in the order of the budget's fields.

    A device's `time_us` is checked against the graph's own time: power-up and VTCM acquire vary between runs by more
    than networks take. Limits on a pass of a language model apply to the graph of that pass.
    """
    language = profile.language
    alone = origin is Origin.DEVICE and GRAPH.read(profile) is not None
    results = []
    for name, limit in budget.limits.items():
        if language and BY_BUDGET_KEY.get(name) in (OF_PREFILL if language.whole.decodes else OF_DECODE):
            continue
        of_graph = alone and name == TIME.budget
        value = GRAPH.read(profile) if of_graph else _value(name, limit, profile)
        of = f"{_OF_ORIGIN[origin]}{', the graph alone' if of_graph else ''}"
        types = "" if value else _types(name, profile)
        results.append(_result(name, limit, value, of, types, _judges(budget, name, origin)))
    return results


def _judges(budget: Budget, name: str, origin: Origin) -> bool:
    """Whether the budget judges the figure; one that only one origin has is judged there, whatever the budget says."""
    figure = BY_BUDGET_KEY.get(name)
    if figure and len(figure.origins) == 1:
        return origin in figure.origins
    return budget.origin in (None, origin)


def _value(name: str, limit: Limit, profile: Profile) -> float | None:
    """Return the figure or an op type's count, 0 if the network lacks the type, or None if there is no such figure.

    An unknown op type with no lower limit gives None: a misspelt name would otherwise always keep its limit.
    """
    if figure := BY_BUDGET_KEY.get(name):
        return figure.read(profile)
    counts, kind = _op_counts(profile), name.removeprefix(_OPS)
    if counts is None or (kind not in counts and kind not in QNN_OP_TYPES and limit.at_least is None):
        return None
    return counts.get(kind, 0)


def _op_counts(profile: Profile) -> dict[str, int] | None:
    return profile.metrics.op_counts if profile.metrics else None


def _result(name: str, limit: Limit, value: float | None, of: str, types: str, judged: bool) -> BudgetResult:
    show = _shown(name, value, limit)
    allowed = " and ".join(
        f"at {side} {show(bound)}"
        for side, bound in (("least", limit.at_least), ("most", limit.at_most))
        if bound is not None
    )
    if not judged:
        state, statement = BudgetState.NOT_JUDGED, f"the budget is not for {of} figures"
    elif value is None:
        state, statement = BudgetState.NO_FIGURE, f"there is no such figure for this cell{types}"
    else:
        state = BudgetState.KEPT if _within(limit, value) else BudgetState.OVER
        statement = f"{show(value)} ({of}){types}"
    return BudgetResult(
        figure=name,
        state=state,
        value=value,
        at_most=limit.at_most,
        at_least=limit.at_least,
        sentence=f"{name}: {statement}; allowed: {allowed}.",
    )


def _types(name: str, profile: Profile) -> str:
    """Name the op types that the network has, for a user who named another."""
    counts = _op_counts(profile)
    if name in BY_BUDGET_KEY or not counts:
        return ""
    most = sorted(counts, key=lambda kind: (-counts[kind], kind))[:_TYPES]
    others = f" and {len(counts) - len(most)} more" if len(counts) > len(most) else ""
    return f"; the cell's ops are {', '.join(most)}{others}"


def _shown(name: str, value: float | None, limit: Limit) -> Callable[[float], str]:
    """Choose a format for the figure in which it differs from any bound that it does not equal."""
    figure = BY_BUDGET_KEY.get(name)
    show = figure.text if figure else count
    bounds = [bound for bound in (limit.at_most, limit.at_least) if bound is not None]
    alike = value is not None and any(bound != value and show(bound) == show(value) for bound in bounds)
    return partial(_to_the_digit, figure.unit if figure else Unit.COUNT) if alike else show


def _to_the_digit(unit: Unit, value: float) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".") + SIGNS[unit]


def _within(limit: Limit, value: float) -> bool:
    return (limit.at_least is None or value >= limit.at_least) and (
        limit.at_most is None or value <= limit.at_most
    )
