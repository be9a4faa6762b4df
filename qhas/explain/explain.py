"""The experiments made, and read: elasticities of the whole, and for each op what its own cycles follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qhas.estimate.estimator import Outcome
from qhas.estimate.model import Estimate, OpEstimate
from qhas.estimate.trial import Trial
from qhas.explain.experiments import Experiment, Resource, elasticity, experiments
from qhas.explain.model import Explanation, Finding, OpBound
from qhas.failures import InvalidInput
from qhas.sweep.spec import PrepareOptions
from qhas.tune.model import Tried
from qhas.tune.subject import Bench
from qhas.tune.truth import truth_of

_FOLLOWS = 0.1
"""An op whose cycles follow a resource less than this does not wait for it."""
_ENGINES = (Resource.DRAM, Resource.HMX, Resource.HVX)
_FORMAT_CHANGE = "ForceFormat"

Row = tuple[str, str, str]
"""Node, HTP op and unit."""


def explain(
    bench: Bench,
    prepare: PrepareOptions | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Explanation:
    """What bounds the network, compiled with these options. Raises InvalidInput and StoreError."""
    asked = Trial(bench.subject, prepare or PrepareOptions(), ops=True)
    as_it_is = bench.estimator.try_one(asked)
    if len(as_it_is.graphs) != 1:
        raise InvalidInput(f"{bench.name} holds {len(as_it_is.graphs)} graphs; explain takes a DLC of one.")
    made = experiments(as_it_is)
    done = 1
    progress(done, 1 + len(made))

    def tell(_trial: Trial, _outcome: Outcome) -> None:
        nonlocal done
        done += 1
        progress(done, 1 + len(made))

    outcomes = bench.estimator.try_all([each.of(asked) for each in made], tell)
    tried = list(zip(made, outcomes, strict=True))
    graph = as_it_is.graphs[0]
    ops = bounds(as_it_is, tried)
    busy = [op for op in ops if op.htp_op]
    return Explanation(
        network=bench.name,
        soc=bench.subject.soc,
        sdk=bench.estimator.sdk.version,
        options=Tried.of(asked.prepare, as_it_is).told_options,
        time_us=as_it_is.time_us,
        findings=[finding(as_it_is, experiment, outcome) for experiment, outcome in tried],
        ops=ops,
        bounded_percent=_percent(
            sum(op.share_percent for op in busy if op.bound), sum(op.share_percent for op in busy)
        ),
        format_change_percent=sum(op.share_percent for op in ops if op.format_change),
        idle_percent=sum(op.share_percent for op in ops if not op.htp_op),
        fill=graph.fill,
        spill=graph.spill,
        truth=truth_of(bench, as_it_is.time_us),
        compiled=bench.estimator.compiled,
    )


def finding(as_it_is: Estimate, experiment: Experiment, outcome: Outcome) -> Finding:
    """What an experiment showed; only what took effect counts."""
    if not isinstance(outcome, Estimate):
        return Finding(resource=experiment.resource, factor=experiment.factor, note=str(outcome))
    took, pure = experiment.took(outcome), outcome.htp_ops == as_it_is.htp_ops
    notes = [
        *([] if took else ["the setting is not in force"]),
        *([] if pure else ["the compiler made other HTP ops: no pure what-if"]),
    ]
    return Finding(
        resource=experiment.resource,
        factor=experiment.factor,
        time_us=outcome.time_us,
        change_percent=_percent(outcome.time_us - as_it_is.time_us, as_it_is.time_us) if took else None,
        elasticity=elasticity(as_it_is.time_us, outcome.time_us, experiment.factor) if took else None,
        pure=pure,
        note="; ".join(notes),
    )


def bounds(as_it_is: Estimate, tried: Sequence[tuple[Experiment, Outcome]]) -> list[OpBound]:
    """Every row of the dominant path with what its cycles follow, of the experiments that halve an engine."""
    halved = {
        experiment.resource: _rows(outcome)
        for experiment, outcome in tried
        if experiment.factor < 1
        and experiment.resource in _ENGINES
        and isinstance(outcome, Estimate)
        and experiment.took(outcome)
    }
    return [_bound(as_it_is, op, halved) for op in as_it_is.graphs[0].ops or ()]


def _bound(
    as_it_is: Estimate, op: OpEstimate, halved: Mapping[Resource, Mapping[Row, OpEstimate]]
) -> OpBound:
    follows = [
        (elasticity(op.cycles / op.instances, other.cycles / other.instances, 0.5), resource)
        for resource, rows in halved.items()
        if (other := rows.get(_row(op))) and op.instances and other.instances
    ]
    most, resource = max(follows, default=(0.0, None), key=lambda each: each[0])
    bound = resource if most >= _FOLLOWS else None
    return OpBound(
        node=op.node,
        type=op.type,
        htp_op=op.htp_op,
        dtype=op.dtype,
        dims=op.dims,
        unit=op.unit,
        share_percent=_percent(op.dominant, as_it_is.graphs[0].cycles),
        bound=bound,
        follows=most if bound else None,
        ceiling_percent=_ceiling(as_it_is, op),
        format_change=_FORMAT_CHANGE in op.htp_op,
    )


def _ceiling(as_it_is: Estimate, op: OpEstimate) -> float | None:
    """What of its unit an op uses while it is at work; None for units of which that is not known."""
    if not op.busy:
        return None
    if op.unit == "HVX" and (threads := as_it_is.in_force("hvx_threads")):
        return _percent(op.cycles, op.busy * threads)
    if op.unit == "DMA" and (peak := as_it_is.dram_peak):
        return _percent(op.dram_read + op.dram_write, op.busy * peak)
    return None


def _rows(estimate: Estimate) -> dict[Row, OpEstimate]:
    return {_row(op): op for op in estimate.graphs[0].ops or ()}


def _row(op: OpEstimate) -> Row:
    return op.node, op.htp_op, op.unit


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else 0.0
