"""Running the experiments and reading their results: how far the total time follows each resource."""

from __future__ import annotations

from collections.abc import Callable

from qhas.estimate.bench import Bench
from qhas.estimate.estimator import Outcome
from qhas.estimate.model import Estimate
from qhas.estimate.trial import Trial
from qhas.explain.bounds import bounds, percent
from qhas.explain.experiments import Experiment, elasticity, experiments
from qhas.explain.model import Explanation, Finding
from qhas.failures import InvalidInput
from qhas.sweep.spec import PrepareOptions


def explain(
    bench: Bench,
    prepare: PrepareOptions | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Explanation:
    """Explain what bounds the network, compiled with these options. Raises InvalidInput and StoreError."""
    baseline = Trial(bench.subject, prepare or PrepareOptions(), ops=True)
    as_it_is = bench.estimator.try_one(baseline)
    if len(as_it_is.graphs) != 1:
        raise InvalidInput(f"{bench.name} holds {len(as_it_is.graphs)} graphs; explain needs a DLC with one.")
    planned = experiments(as_it_is)
    done = 1
    progress(done, 1 + len(planned))

    def advance(_trial: Trial, _outcome: Outcome) -> None:
        nonlocal done
        done += 1
        progress(done, 1 + len(planned))

    outcomes = bench.estimator.try_all([each.of(baseline) for each in planned], advance)
    tried = list(zip(planned, outcomes, strict=True))
    graph = as_it_is.graphs[0]
    ops = bounds(as_it_is, tried, bench.subject.soc, bench.network)
    busy = [op for op in ops if op.htp_op]
    return Explanation(
        network=bench.name,
        soc=bench.subject.soc,
        sdk=bench.estimator.sdk.version,
        options=baseline.prepare.words,
        time_us=as_it_is.time_us,
        findings=[finding(as_it_is, experiment, outcome) for experiment, outcome in tried],
        ops=ops,
        bounded_percent=percent(
            sum(op.share_percent for op in busy if op.bound), sum(op.share_percent for op in busy)
        ),
        format_change_percent=sum(op.share_percent for op in ops if op.format_change),
        idle_percent=sum(op.share_percent for op in ops if not op.htp_op),
        fill=graph.fill,
        spill=graph.spill,
        truth=bench.truth_of(as_it_is.time_us),
        compiled=bench.estimator.compiled,
    )


def finding(as_it_is: Estimate, experiment: Experiment, outcome: Outcome) -> Finding:
    """Return what an experiment showed; change and elasticity are None if the setting is not in force."""
    if not isinstance(outcome, Estimate):
        return Finding(resource=experiment.resource, factor=experiment.factor, note=str(outcome))
    took, pure = experiment.took(outcome), outcome.htp_ops == as_it_is.htp_ops
    notes = [
        *([] if took else ["the setting is not in force"]),
        *([] if pure else ["the compiler produced different HTP ops, so this is not a pure what-if"]),
    ]
    return Finding(
        resource=experiment.resource,
        factor=experiment.factor,
        time_us=outcome.time_us,
        change_percent=percent(outcome.time_us - as_it_is.time_us, as_it_is.time_us) if took else None,
        elasticity=elasticity(as_it_is.time_us, outcome.time_us, experiment.factor) if took else None,
        pure=pure,
        note="; ".join(notes),
    )
