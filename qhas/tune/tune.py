"""A network tuned: searched on the simulator, the best proved on the emulator, the answer kept."""

from __future__ import annotations

from qhas.estimate.bench import Bench
from qhas.machine.digest import data_digest
from qhas.runs import keys
from qhas.store import Store
from qhas.tune.model import Objective, Tried, Tuning
from qhas.tune.outputs import OutputCheck, check_outputs
from qhas.tune.page import page
from qhas.tune.search import TRIALS, Progress, Search, pareto

_MOST_CHECKS = 3
"""Candidates whose outputs are looked at before the default is taken."""

_LESS_VTCM = "latencies that were measured elsewhere fit networks with all of the VTCM better than with less"


def tune(
    bench: Bench,
    objective: Objective = Objective.TIME,
    trials: int = TRIALS,
    progress: Progress = lambda *_: None,
    *,
    check: bool = True,
) -> Tuning:
    """The best options of graph-prepare; never worse than none. Raises InvalidInput and StoreError."""
    search = Search(bench.estimator, bench.subject, objective, progress)
    search.run(trials)
    best, outputs = _proved(bench, search) if check else (search.settle(search.ranked()[0]), None)
    tried = search.tried()
    asked = {
        "network": bench.subject.sha256,
        "soc": bench.subject.soc,
        "objective": objective,
        "trials": trials,
    }
    tuning_id = f"{bench.name}-{bench.subject.soc}-{data_digest(asked)[:8]}"
    return Tuning(
        tuning_id=tuning_id,
        network=bench.name,
        soc=bench.subject.soc,
        sdk=bench.estimator.sdk.version,
        objective=objective,
        default=search.default,
        best=best,
        tried=tried,
        pareto=pareto(tried),
        effects=search.effects(best),
        on_average=search.on_average(),
        refused=search.refused(),
        grid=search.grid,
        outputs=outputs,
        truth="; ".join(
            filter(None, (bench.truth_of(best.time_us), _LESS_VTCM if "vtcm_mb" in best.options else ""))
        ),
        compiled=bench.estimator.compiled,
    )


def _proved(bench: Bench, search: Search) -> tuple[Tried, OutputCheck | None]:
    """The best whose outputs are the default's, or could not be checked; the default where none of the first is."""
    for candidate in search.ranked()[:_MOST_CHECKS]:
        best = search.settle(candidate)
        if not best.options:
            break
        check = check_outputs(bench.subject, best.prepare, bench.estimator.sdk, bench.store, bench.folder)
        if check.same or check.steps is None:
            return best, check
    return search.default, None


def keep(store: Store, tuning: Tuning) -> str:
    """Store the answer and its page; the page's address. Raises StoreError."""
    store.write(keys.tuning(tuning.tuning_id, "json"), tuning.model_dump_json(indent=2).encode())
    store.write(keys.tuning(tuning.tuning_id, "md"), page(tuning).encode())
    return store.url(keys.tuning(tuning.tuning_id, "md"))
