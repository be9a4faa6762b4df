"""For each op of the dominant path, what its cycles follow in the experiments, and how close it is to a ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qhas.estimate.estimator import Outcome
from qhas.estimate.model import Estimate, OpEstimate
from qhas.explain.ceilings import ceiling
from qhas.explain.experiments import Experiment, Resource, elasticity
from qhas.explain.model import OpBound
from qhas.explain.rates import HMX, HVX, Rate, rates
from qhas.network.network import Network

_FOLLOWS = 0.1
"""An op whose cycles follow a resource less than this does not wait for it."""
_ENGINES = (Resource.DRAM, Resource.HMX, Resource.HVX)
_FORMAT_CHANGE = "ForceFormat"
_DMA = "DMA"
_ALL = 100.01
"""Percent, with room for the rounding to whole cycles."""

Row = tuple[str, str, str]
"""Node, HTP op and unit."""
Rates = Mapping[tuple[str, str], Rate]


def bounds(
    as_it_is: Estimate,
    tried: Sequence[tuple[Experiment, Outcome]],
    soc: str = "",
    network: Network | None = None,
) -> list[OpBound]:
    """Return the bound of every row of the dominant path, from the experiments that halve an engine.

    Shares of ceilings need the SoC and the network.
    """
    halved = {
        experiment.resource: _rows(outcome)
        for experiment, outcome in tried
        if experiment.factor < 1
        and experiment.resource in _ENGINES
        and isinstance(outcome, Estimate)
        and experiment.took(outcome)
    }
    ops = as_it_is.graphs[0].ops or ()
    known = rates(network.graphs[0], ops) if network and len(network.graphs) == 1 else {}
    return [_bound(as_it_is, op, halved, soc, known) for op in ops]


def _bound(
    as_it_is: Estimate,
    op: OpEstimate,
    halved: Mapping[Resource, Mapping[Row, OpEstimate]],
    soc: str,
    known: Rates,
) -> OpBound:
    follows = [
        (elasticity(op.cycles / op.instances, other.cycles / other.instances, 0.5), resource)
        for resource, rows in halved.items()
        if (other := rows.get(_row(op))) and op.instances and other.instances
    ]
    most, resource = max(follows, default=(0.0, None), key=lambda each: each[0])
    bound = resource if most >= _FOLLOWS else None
    threads = as_it_is.in_force("hvx_threads")
    share = _ceiling(as_it_is, op, soc, known.get((op.node, op.unit)))
    possible = share is None or share <= _ALL
    return OpBound(
        node=op.node,
        type=op.type,
        htp_op=op.htp_op,
        dtype=op.dtype,
        dims=op.dims,
        unit=op.unit,
        share_percent=percent(op.dominant, as_it_is.graphs[0].cycles),
        bound=bound,
        follows=most if bound else None,
        ceiling_percent=share if possible else None,
        too_fast=not possible,
        threads_percent=percent(op.cycles, op.busy * threads)
        if op.unit == HVX and op.busy and threads
        else None,
        format_change=_FORMAT_CHANGE in op.htp_op,
    )


def _ceiling(as_it_is: Estimate, op: OpEstimate, soc: str, rate: Rate | None) -> float | None:
    """Return the op's percentage of its unit's ceiling while at work; None if its work or the ceiling is unknown."""
    if op.unit == _DMA and op.busy and (peak := as_it_is.dram_peak):
        return percent(op.dram_read + op.dram_write, op.busy * peak)
    if rate is None or not (most := ceiling(soc, rate.precision)):
        return None
    if op.unit == HMX:
        return percent(rate.work, rate.busy * most.hmx_macs)
    threads = as_it_is.in_force("hvx_threads") or 1
    return percent(rate.work, rate.busy * threads * most.hvx_bytes)


def _rows(estimate: Estimate) -> dict[Row, OpEstimate]:
    return {_row(op): op for op in estimate.graphs[0].ops or ()}


def _row(op: OpEstimate) -> Row:
    return op.node, op.htp_op, op.unit


def percent(part: float, whole: float) -> float:
    """Return the part as a percentage of the whole; 0 if the whole is 0."""
    return 100 * part / whole if whole else 0.0
