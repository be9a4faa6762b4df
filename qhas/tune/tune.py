"""Tuning of a network: a search on the simulator, a check of the best on the emulator, the answer stored."""

from __future__ import annotations

from collections.abc import Sequence

from qhas.estimate.bench import Bench
from qhas.machine.digest import data_digest
from qhas.runs import keys
from qhas.site import Site
from qhas.store import Store
from qhas.tune.devices import Decision, has_device, measure
from qhas.tune.model import Objective, Tried, Tuning
from qhas.tune.outputs import OutputCheck, check_outputs
from qhas.tune.page import page
from qhas.tune.search import TRIALS, Progress, Search, pareto

_MOST_CHECKS = 3
"""Candidates whose outputs are checked before the default is chosen."""
_FINALISTS = 3
"""The number of candidates measured on a device."""

_LESS_VTCM = "the simulator agrees with latencies measured elsewhere better when a network has all of the VTCM than when it has less"


def tune(
    bench: Bench,
    objective: Objective = Objective.TIME,
    trials: int = TRIALS,
    progress: Progress = lambda *_: None,
    *,
    check: bool = True,
    rack: Site | None = None,
) -> Tuning:
    """Find the best options of graph-prepare, never worse than none. Raises InvalidInput and StoreError.

    If the objective is time and the rack has a device of the SoC, the device decides.
    """
    search = Search(bench.estimator, bench.subject, objective, progress)
    search.run(trials)
    decided = rack is not None and objective is Objective.TIME and has_device(rack, bench.subject.soc)
    finalists = _proved(bench, search, _FINALISTS if decided else 1, check=check)
    best, outputs = finalists[0] if finalists else (search.default, None)
    decision = _decided(bench, rack, finalists) if rack and decided and finalists else None
    if decision and decision.winner is not None:
        best, outputs = [(search.default, None), *finalists][decision.winner]
    tried = search.tried()
    question = {
        "network": bench.subject.sha256,
        "soc": bench.subject.soc,
        "objective": objective,
        "trials": trials,
    }
    tuning_id = f"{bench.name}-{bench.subject.soc}-{data_digest(question)[:8]}"
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
        decision=decision,
        truth="; ".join(
            filter(None, (bench.truth_of(best.time_us), _LESS_VTCM if "vtcm_mb" in best.options else ""))
        ),
        compiled=bench.estimator.compiled,
    )


_Proved = tuple[Tried, OutputCheck | None]


def _proved(bench: Bench, search: Search, count: int, *, check: bool) -> list[_Proved]:
    """Return the best candidates whose outputs are the default's, or could not be checked.

    Empty if that is true of none of the first candidates.
    """
    proved = dict[str, _Proved]()
    for candidate in search.ranked()[: _MOST_CHECKS + count - 1]:
        best = search.settle(candidate)
        if not best.options or len(proved) == count:
            break
        check_of = _checked(bench, best) if check else None
        if check_of is None or check_of.same or check_of.steps is None:
            proved.setdefault(best.options_text, (best, check_of))
    return list(proved.values())


def _checked(bench: Bench, best: Tried) -> OutputCheck:
    estimator = bench.estimator
    return check_outputs(
        bench.subject, best.prepare, estimator.sdk, bench.store, bench.folder, estimator.at_once
    )


def _decided(bench: Bench, rack: Site, finalists: Sequence[_Proved]) -> Decision:
    options = [tried.prepare for tried, _ in finalists]
    return measure(rack, bench.name, bench.subject.dlc, bench.subject.soc, options)


def keep(store: Store, tuning: Tuning) -> str:
    """Store the answer and its page; return the page's address. Raises StoreError."""
    store.write(keys.tuning(tuning.tuning_id, "json"), tuning.model_dump_json(indent=2).encode())
    store.write(keys.tuning(tuning.tuning_id, "md"), page(tuning).encode())
    return store.url(keys.tuning(tuning.tuning_id, "md"))
