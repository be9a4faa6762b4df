"""Estimates of parts under both conditions by compilers that stay warm: a trial takes little more than compilation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from qhas.estimate.bench import estimating_at
from qhas.estimate.estimator import Estimator
from qhas.estimate.trial import Subject, Trial
from qhas.estimate.worker import TrialRefused
from qhas.machine.digest import file_digest
from qhas.reproducer.parts import Part
from qhas.reproducer.search import Measure
from qhas.reproducer.trials import Conditions, Trials


@contextmanager
def measuring(trials: Trials, *, estimated: bool) -> Iterator[Measure]:
    """Provide a measure of parts: the simulator alone if it `estimated` both sides and can, otherwise runs."""
    with ExitStack() as stack:
        sides = (trials.before, trials.after)
        socs: dict[str | None, list[str]] = {}
        for side in sides if estimated else ():
            socs.setdefault(side.sdk, []).append(side.soc)
        estimators = {
            sdk: stack.enter_context(estimating_at(trials.site, sdk, of_it))[0] for sdk, of_it in socs.items()
        }
        if estimated and not any(estimators[side.sdk].refusal_of(side.soc) for side in sides):
            yield lambda parts: _changes(trials, parts, estimators)
        else:
            yield trials.measure


def _changes(
    trials: Trials, parts: list[Part], estimators: Mapping[str | None, Estimator]
) -> dict[Part, float]:
    old, new = (_times(trials, parts, side, estimators[side.sdk]) for side in (trials.before, trials.after))
    return {part: 100 * (new[part] / old[part] - 1) for part in parts if old.get(part) and part in new}


def _times(trials: Trials, parts: list[Part], side: Conditions, estimator: Estimator) -> dict[Part, float]:
    """Return the microseconds of each part that compiles on its own."""
    dlcs = map(trials.part, parts)
    asked = [Trial(Subject(dlc, file_digest(dlc), side.soc), side.prepare) for dlc in dlcs]
    outcomes = zip(parts, estimator.try_all(asked), strict=True)
    return {part: outcome.time_us for part, outcome in outcomes if not isinstance(outcome, TrialRefused)}
