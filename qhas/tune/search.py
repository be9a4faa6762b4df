"""The search: each option alone, then the most promising combinations, then what the best can do without."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod

from qhas.estimate.estimator import Estimator, Outcome
from qhas.estimate.model import Estimate
from qhas.estimate.trial import Subject, Trial
from qhas.failures import InvalidInput
from qhas.sweep.effects import One, front, main_effects
from qhas.sweep.spec import PrepareOptions
from qhas.tune.model import AxisEffect, Effect, Objective, Refused, Tried
from qhas.tune.space import Axes, axes, combinations, singles, without

TRIALS = 24
DEFAULT = PrepareOptions()
_NOTHING = 0.001
"""An option that gains less than this share is left out of the best ones."""

Progress = Callable[[int, int], None]
"""Called with the number of trials done, and the number planned as far as is known."""


class Search:
    """The trials of a network, with the best of them; complete once `run` has returned."""

    def __init__(
        self, estimator: Estimator, subject: Subject, objective: Objective, progress: Progress
    ) -> None:
        self._estimator = estimator
        self._subject = subject
        self._objective = objective
        self._progress = progress
        self._outcomes: dict[PrepareOptions, Outcome] = {}
        self._axes: Axes = {}
        self._planned = 0

    def run(self, trials: int) -> None:
        """Try the whole grid if it has no more than `trials` combinations, otherwise `trials` of them.

        Raises InvalidInput if the default itself has no estimate.
        """
        self._planned = trials
        self._try([DEFAULT])
        default = self._outcomes[DEFAULT]
        if not isinstance(default, Estimate):
            raise InvalidInput(
                f"{self._subject.dlc.name} has no estimate for {self._subject.soc}, so it cannot be tuned: {default}"
            )
        self._axes = axes(default)
        self._planned = min(trials, self.grid)
        self._try(singles(self._axes)[: max(0, trials - 1)])
        self._try(self._promising()[: max(0, trials - len(self._outcomes))])
        self._planned = len(self._outcomes)

    @property
    def grid(self) -> int:
        """The number of combinations."""
        return prod(1 + len(values) for values in self._axes.values())

    @property
    def default(self) -> Tried:
        """The trial with no options requested."""
        return self._tried(DEFAULT)

    def ranked(self) -> list[Tried]:
        """Return the trials that are better than the default by `_NOTHING`, best first, then the default.

        Trials are ordered by the objective, then time, DRAM and VTCM, then the fewest options.
        """
        default = self.default
        bound = (1 - _NOTHING) * default.figure(self._objective)
        better = [trial for trial in self.tried() if trial.options and trial.figure(self._objective) < bound]
        return [*sorted(better, key=self._order), default]

    def settle(self, best: Tried) -> Tried:
        """Return the best trial without the options that gain nothing."""
        while True:
            names = list(best.options)
            self._try([without(best.prepare, name) for name in names])
            bound = (1 + _NOTHING) * best.figure(self._objective)
            simpler = [
                tried
                for name in names
                if (tried := self._found(without(best.prepare, name)))
                and tried.figure(self._objective) <= bound
            ]
            if not simpler:
                return best
            best = min(simpler, key=self._order)

    def tried(self) -> list[Tried]:
        """Return all trials that could be compiled, in the order they were made."""
        return [
            Tried.of(options, outcome)
            for options, outcome in self._outcomes.items()
            if isinstance(outcome, Estimate)
        ]

    def refused(self) -> list[Refused]:
        """Return all trials that could not be compiled."""
        return [
            Refused(options=options.model_dump(exclude_none=True), why=str(outcome))
            for options, outcome in self._outcomes.items()
            if not isinstance(outcome, Estimate)
        ]

    def effects(self, best: Tried) -> list[Effect]:
        """Return the effect of each option alone, the most helpful first, and its effect in the best options."""
        effects_found = []
        for options in singles(self._axes):
            if alone := self._found(options):
                ((name, value),) = alone.options.items()
                effects_found.append(
                    Effect(
                        option=name,
                        value=value,
                        alone=self._percent(alone, self.default),
                        in_best=self._share(best, name) if best.options.get(name) == value else None,
                    )
                )
        return sorted(effects_found, key=lambda effect: effect.alone)

    def on_average(self) -> list[AxisEffect]:
        """Return the effect of each value over all trials that differ in nothing else."""
        tried = [
            One({name: each.options.get(name) for name in self._axes}, each.figure(self._objective))
            for each in self.tried()
        ]
        return [
            AxisEffect(option=effect.option, value=effect.value, percent=effect.percent, pairs=effect.pairs)
            for effect in main_effects(tried)
        ]

    def _share(self, best: Tried, name: str) -> float | None:
        rest = self._found(without(best.prepare, name))
        return self._percent(best, rest) if rest else None

    def _percent(self, after: Tried, before: Tried) -> float:
        old = before.figure(self._objective)
        return 100 * (after.figure(self._objective) / old - 1) if old else 0.0

    def _promising(self) -> list[PrepareOptions]:
        """Return the combinations not yet tried, best first if options had the same effect together as alone."""
        alone = {
            single: tried.figure(self._objective) / (self.default.figure(self._objective) or 1)
            for single in singles(self._axes)
            if (tried := self._found(single))
        }

        def promise(options: PrepareOptions) -> float:
            chosen = options.model_dump(exclude_none=True)
            parts = (PrepareOptions.model_validate({name: value}) for name, value in chosen.items())
            return prod(alone.get(part, float("inf")) for part in parts)

        rest = [options for options in combinations(self._axes) if options not in self._outcomes]
        return sorted((options for options in rest if promise(options) < float("inf")), key=promise)

    def _order(self, tried: Tried) -> tuple[float, ...]:
        return (
            tried.figure(self._objective),
            tried.time_us,
            tried.dram,
            tried.peak_vtcm,
            len(tried.options),
        )

    def _try(self, wanted: Iterable[PrepareOptions]) -> None:
        new = [options for options in dict.fromkeys(wanted) if options not in self._outcomes]
        trials = [Trial(self._subject, options) for options in new]
        done = len(self._outcomes)

        def advance(_trial: Trial, _outcome: Outcome) -> None:
            nonlocal done
            done += 1
            self._progress(done, max(done, self._planned))

        self._outcomes |= dict(zip(new, self._estimator.try_all(trials, advance), strict=True))

    def _tried(self, options: PrepareOptions) -> Tried:
        tried = self._found(options)
        assert tried is not None
        return tried

    def _found(self, options: PrepareOptions) -> Tried | None:
        outcome = self._outcomes.get(options)
        return Tried.of(options, outcome) if isinstance(outcome, Estimate) else None


def pareto(tried: Sequence[Tried]) -> list[int]:
    """Return the indices of those that no other beats in time, DRAM and VTCM at once, fastest first.

    Of equals, the one with the fewest options counts.
    """
    order = sorted(range(len(tried)), key=lambda number: len(tried[number].options))
    costs = [(tried[each].time_us, tried[each].dram, tried[each].peak_vtcm) for each in order]
    return [order[number] for number in front(costs)]
