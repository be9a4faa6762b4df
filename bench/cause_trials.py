"""The trials of `bench.cause_kinds`: each sample compiled and simulated once, compared both ways and with itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cause_kinds import CHAINS, TRIALS, Sample, Trial
from bench.cause_numbers import strangers
from bench.cause_runs import cells_run, convert
from qhas.diff.circumstances import Evidence
from qhas.diff.compare import compare
from qhas.diff.model import CellDiff
from qhas.machine.digest import data_digest
from qhas.sweep.spec import Cell, ModelRef

_CYCLES = 1e-6


@dataclass(frozen=True)
class Verdict:
    """What the diff said of a trial.

    `first` is whether the true cause came first, or no cause was named if there is none; `wrong` lists the false
    statements, `untold` the true ones that were left out.
    """

    trial: str
    change_percent: float
    first: bool
    wrong: tuple[str, ...]
    untold: tuple[str, ...]
    sentence: str

    @property
    def right(self) -> bool:
        """Whether nothing is wrong, apart from what was left out."""
        return self.first and not self.wrong


def verdicts_of(folder: Path, trials: Sequence[Trial] = TRIALS) -> list[Verdict]:
    """Run what the trials need and judge them. Raises BenchFailed."""
    chained = [sample for chain in CHAINS for sample in chain] if trials is TRIALS else []
    evidence = _evidence(
        [*(side for trial in trials for side in (trial.before, trial.after)), *chained], folder
    )
    judged = [_judge(trial, evidence[_key(trial.before)], evidence[_key(trial.after)]) for trial in trials]
    if trials is TRIALS:
        judged += [
            _chained(number, [evidence[_key(sample)] for sample in chain])
            for number, chain in enumerate(CHAINS, 1)
        ]
    return judged


def _judge(trial: Trial, before: Evidence, after: Evidence) -> Verdict:
    diff, back = compare(before, after), compare(after, before)
    said = [
        (circumstance.kind, phrase)
        for circumstance in diff.circumstances
        if circumstance.explains
        for phrase in _phrases(circumstance.sentence)
    ]
    true = {(kind, phrase) for kind, phrases in trial.truth.items() for phrase in phrases}
    wrong = [f"{kind}: {phrase}" for kind, phrase in said if (kind, phrase) not in true]
    wrong += [f"{number} is in no data" for number in strangers(diff, (before.network, after.network))]
    wrong += [
        f"with itself: {side.file.name}" for side in (before, after) if not _silent(compare(side, side))
    ]
    wrong += _unlike_mirrored(diff, back)
    first = next(iter(trial.truth), None)
    return Verdict(
        trial=trial.name,
        change_percent=diff.time.percent or 0.0,
        first=(diff.cause.kind if diff.cause else None) == first,
        wrong=tuple(wrong),
        untold=tuple(f"{kind}: {phrase}" for kind, phrase in sorted(true - set(said))),
        sentence=diff.sentence,
    )


def _phrases(sentence: str) -> list[str]:
    return sentence.removeprefix("network: ").split(", ")


def _silent(diff: CellDiff) -> bool:
    return not (diff.circumstances or diff.contributions or diff.remarks or diff.time.change)


def _unlike_mirrored(diff: CellDiff, back: CellDiff) -> list[str]:
    """Return what differs the other way round, apart from the signs."""
    found = []
    if [circumstance.kind for circumstance in diff.circumstances] != [
        circumstance.kind for circumstance in back.circumstances
    ]:
        found.append("other causes the other way round")
    there, here = (
        sorted(part.cycles * sign for part in way.contributions) for way, sign in ((diff, 1), (back, -1))
    )
    if len(there) != len(here) or any(abs(a - b) > _CYCLES for a, b in zip(there, here, strict=True)):
        found.append("other parts the other way round")
    opposite = {"worse": "better", "better": "worse"}
    if opposite.get(diff.verdict, diff.verdict) != back.verdict:
        found.append("another verdict the other way round")
    return found


def _chained(number: int, sides: Sequence[Evidence]) -> Verdict:
    """Judge two steps and both at once: the differences must add up, and the causes must be those of the steps."""
    first, second, whole = (
        compare(sides[0], sides[1]),
        compare(sides[1], sides[2]),
        compare(sides[0], sides[2]),
    )
    wrong = []
    if abs((first.time.change or 0) + (second.time.change or 0) - (whole.time.change or 0)) > _CYCLES:
        wrong.append("the differences of the steps do not add up")
    steps = {
        circumstance.kind
        for diff in (first, second)
        for circumstance in diff.circumstances
        if circumstance.explains
    }
    kinds = {circumstance.kind for circumstance in whole.circumstances if circumstance.explains}
    wrong += [f"{kind}: of no step" for kind in kinds - steps]
    return Verdict(
        trial=f"two steps, {number}",
        change_percent=whole.time.percent or 0.0,
        first=bool(whole.cause and whole.cause.kind in steps),
        wrong=tuple(wrong),
        untold=tuple(f"{kind}" for kind in steps - kinds),
        sentence=whole.sentence,
    )


def _key(sample: Sample) -> str:
    """Return a name for the sample's cell, the same in every run, so that prepared graphs are found again."""
    options = sample.prepare.model_dump(exclude_none=True)
    return data_digest([repr(sample.tiny), sample.soc, options])[:16]


def _evidence(samples: Iterable[Sample], folder: Path) -> Mapping[str, Evidence]:
    from bench.cause_changes import write  # needs the host SDK's extra

    folder.mkdir(parents=True, exist_ok=True)
    cells: dict[str, Cell] = {}
    for sample in samples:
        network = re.sub(r"\W", "", data_digest(repr(sample.tiny))[:12])
        dlc = folder / f"{network}.dlc"
        if not dlc.is_file():
            onnx = dlc.with_suffix(".onnx")
            write(sample.tiny, onnx)
            convert(onnx, dlc)
        key = _key(sample)
        model = ModelRef(name=f"n{network}", dlc=str(dlc))
        cells[key] = Cell(model=model, soc=sample.soc, variant=key, prepare=sample.prepare)
    return cells_run(cells, folder)
