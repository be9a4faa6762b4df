"""Trials of each rewrite alone, then of those that helped together, as long as each adds to the gain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qhas.advise.exactness import MOST_ERROR, Reference
from qhas.advise.model import Advice, Attempt, Verdict
from qhas.advise.onnx_graph import OnnxGraph, load
from qhas.advise.quantised import steps_of_ends
from qhas.advise.rewrites import REWRITES, Rewrite
from qhas.estimate.bench import Bench
from qhas.estimate.conversion import to_dlcs
from qhas.estimate.model import Estimate
from qhas.estimate.trial import Subject, Trial
from qhas.failures import InvalidInput
from qhas.tune.subject import content_of

_LEAST_GAIN = 0.5
"""In percent; a smaller gain is not advised."""
_LAST = "together"


@dataclass(frozen=True)
class _Made:
    """A rewritten network, and what is known about it."""

    places: int
    path: Path
    error: float | None = None
    time_us: float | None = None
    why: str = ""


class _Workshop:
    """The original network, and the means to rewrite, check and time it."""

    def __init__(self, onnx: Path, bench: Bench) -> None:
        self._model = load(onnx)
        self._bench = bench
        self._reference = Reference(onnx, steps_of_ends(OnnxGraph(self._model)))

    def make(self, name: str, rewrites: Sequence[Rewrite]) -> _Made:
        """Apply these rewrites in turn, then check and time the network; none is written if nothing applies."""
        model = type(self._model).FromString(self._model.SerializeToString())
        places = 0
        for rewrite in rewrites:
            graph = OnnxGraph(model)
            places += rewrite.apply(graph)
            model = graph.tidied()
        path = self._bench.folder / f"{name}.onnx"
        if not places:
            return _Made(0, path)
        path.write_bytes(model.SerializeToString())
        try:
            error = self._reference.error_of(path)
        except ValueError as refused:
            return _Made(places, path, why=str(refused))
        if error > MOST_ERROR:
            return _Made(places, path, error)
        outcome = self.time(path)
        if isinstance(outcome, str):
            return _Made(places, path, error, why=outcome)
        return _Made(places, path, error, outcome)

    def time(self, path: Path) -> float | str:
        """Return the microseconds of the network in this file, or why there is no estimate."""
        converted = asyncio.run(to_dlcs({"net": path}, self._bench.estimator.sdk, self._bench.folder))["net"]
        if converted.dlc is None:
            return converted.refusal
        subject = Subject(converted.dlc, content_of(converted.dlc), self._bench.subject.soc)
        outcome = self._bench.estimator.try_all([Trial(subject)])[0]
        return outcome.time_us if isinstance(outcome, Estimate) else str(outcome)


def advise(
    onnx: Path, bench: Bench, target: Path, progress: Callable[[int, int], None] = lambda *_: None
) -> Advice:
    """Find what makes the network faster, and write the result to `target` if anything does.

    Raises InvalidInput and StoreError.
    """
    before = bench.estimator.try_one(Trial(bench.subject)).time_us
    try:
        workshop = _Workshop(onnx, bench)
    except ValueError as error:
        raise InvalidInput(f"{onnx.name} cannot be rewritten: {error}.") from error
    attempts = list[Attempt]()
    for number, rewrite in enumerate(REWRITES, 1):
        attempts.append(_attempt(rewrite, workshop.make(rewrite.name, [rewrite]), before))
        progress(number, len(REWRITES))
    together, best = _together(workshop, attempts, before)
    if best:
        target.write_bytes(best.path.read_bytes())
    after = best.time_us if best and best.time_us else before
    return Advice(
        network=bench.name,
        soc=bench.subject.soc,
        sdk=bench.estimator.sdk.version,
        before_us=before,
        after_us=after,
        together=[rewrite.name for rewrite in together],
        written=str(target) if best else None,
        error=best.error if best else None,
        attempts=attempts,
        truth=bench.truth_of(after),
        compiled=bench.estimator.compiled,
    )


def _attempt(rewrite: Rewrite, made: _Made, before: float) -> Attempt:
    gain = 100 * (made.time_us / before - 1) if made.time_us else None
    if not made.places:
        verdict = Verdict.NOT_APPLICABLE
    elif made.error is None or made.error > MOST_ERROR:
        verdict = Verdict.NOT_EXACT
    elif gain is None:
        verdict = Verdict.REFUSED
    else:
        verdict = Verdict.HELPED if gain <= -_LEAST_GAIN else Verdict.NO_HELP
    return Attempt(
        name=rewrite.name,
        sentence=rewrite.sentence,
        source=rewrite.source,
        interface=rewrite.interface,
        verdict=verdict,
        places=made.places,
        time_us=made.time_us,
        gain_percent=gain,
        error=made.error,
        why=made.why,
    )


def _together(
    workshop: _Workshop, attempts: Sequence[Attempt], before: float
) -> tuple[list[Rewrite], _Made | None]:
    """Add the rewrites that helped one by one, the most helpful first, leaving out any that adds nothing."""
    by_name = {rewrite.name: rewrite for rewrite in REWRITES}
    gains = {each.name: each.gain_percent or 0 for each in attempts if each.verdict is Verdict.HELPED}
    chosen, best, time = list[Rewrite](), None, before
    for name in sorted(gains, key=lambda name: gains[name]):
        candidate = [rewrite for rewrite in REWRITES if rewrite in (*chosen, by_name[name])]
        made = workshop.make(f"{_LAST}-{len(chosen)}-{name}", candidate)
        if made.time_us is not None and made.time_us < (1 - _LEAST_GAIN / 100) * time:
            chosen, best, time = candidate, made, made.time_us
    return chosen, best
