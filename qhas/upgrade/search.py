"""The search: both ends, then the versions between if something changed, then what restores the old figure.

It runs nothing itself: it yields sweeps, and reads their records from the store when it is resumed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from qhas.diff.model import CellDiff, Figure, Outcome
from qhas.diff.runs import CellNotComparable, compare_cells
from qhas.failures import InvalidInput
from qhas.machine.digest import data_digest
from qhas.profile.figures import COMPILE, CONTEXT, CYCLES
from qhas.runs.record import CellRecord, by_graph
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.sweep.spec import SweepSpec
from qhas.units import signed_percent
from qhas.upgrade.causes import cause_of, old_values
from qhas.upgrade.model import CellUpgrade, FailedCell, Step, Upgrade, WayBack
from qhas.upgrade.question import Question

Stages = Generator["Stage", None, Upgrade]
Place = tuple[str, ...]
"""A network's name and a SoC; for a DLC with several graphs, the graph's folder too."""


@dataclass(frozen=True)
class Stage:
    """A sweep to be run or completed before the search continues."""

    run_id: str
    spec: SweepSpec


def search(question: Question, store: Store) -> Stages:
    """Yield each sweep to run, and return the answer. Raises StoreError."""
    return _Search(question, store).stages()


class _Search:
    def __init__(self, question: Question, store: Store) -> None:
        self._question = question
        self._store = store
        self._records: dict[tuple[Place, str], CellRecord] = {}
        self._diffs: dict[tuple[Place, str, str], CellDiff | None] = {}
        self._failed: dict[Place, str] = {}
        self._runs: list[str] = []
        self._compiled: set[str] = set()
        self._began = datetime.now(UTC)

    def stages(self) -> Stages:
        question, sdks = self._question, self._question.sdks
        if question.every:
            yield self._stage("every", question.sweep(sdks))
        else:
            yield self._stage("ends", question.sweep((sdks[0], sdks[-1])))
        self._read()
        cells = [(model.name, soc) for model in question.models for soc in question.socs]
        places = [place for cell in cells for place in self._places(cell)]
        ends = {place: diff for place in places if (diff := self._compared(place, sdks[0], sdks[-1]))}
        steps: dict[Place, list[Step]] = {}
        alone = self._alone(places) if question.every else []
        known = {place for place, _, _ in alone}
        wide = [
            (place, 0, len(sdks) - 1) for place, diff in ends.items() if _moved(diff) and place not in known
        ]
        spans = alone + (yield from self._narrowed(wide))
        for place, first, last in sorted(spans, key=lambda span: span[1:]):
            if step := self._step(place, first, last):
                steps.setdefault(place, []).append(step)
        yield from self._ways_back(steps)
        return self._answer(ends, steps)

    def _alone(self, places: Iterable[Place]) -> list[tuple[Place, int, int]]:
        """Return where a single version made a change, even if a later version reverted it."""
        sdks = self._question.sdks
        return [
            (place, number, number + 1)
            for place in places
            for number in range(len(sdks) - 1)
            if _moved(self._compared(place, sdks[number], sdks[number + 1]))
        ]

    def _narrowed(
        self, spans: list[tuple[Place, int, int]]
    ) -> Generator[Stage, None, list[tuple[Place, int, int]]]:
        """Halve every span while there is a version inside, dropping halves in which nothing changed."""
        sdks, done, number = self._question.sdks, list[tuple[Place, int, int]](), 0
        while spans:
            done += [span for span in spans if span[2] - span[1] == 1]
            wide = [span for span in spans if span[2] - span[1] > 1]
            if not wide:
                break
            middles = [(place, first, (first + last) // 2, last) for place, first, last in wide]
            number += 1
            new = [
                (place, sdks[middle])
                for place, _, middle, _ in middles
                if (place, sdks[middle]) not in self._records
            ]
            if new:
                names = list(dict.fromkeys(sdk for _, sdk in new))
                cells = list(dict.fromkeys(_key(place, sdk) for place, sdk in new))
                yield self._stage(f"between-{number}", self._question.sweep(names, cells))
                self._read()
            spans = []
            for place, first, middle, last in middles:
                halves = [(place, first, middle), (place, middle, last)]
                diffs = [self._compared(place, sdks[low], sdks[high]) for _, low, high in halves]
                if None in diffs:
                    done.append((place, first, last))
                    continue
                moved = [half for half, diff in zip(halves, diffs, strict=True) if _moved(diff)]
                spans += moved
                done += [] if moved else [(place, first, last)]  # each half below the threshold
        return done

    def _step(self, place: Place, first: int, last: int) -> Step | None:
        sdks = self._question.sdks
        diff = self._compared(place, sdks[first], sdks[last])
        if diff is None:
            return None
        options = old_values(self._records[place, sdks[first]], self._records[place, sdks[last]])
        cause, why = cause_of(diff, options)
        return Step(
            before=sdks[first],
            after=sdks[last],
            first=last - first == 1,
            time=diff.time,
            cause=cause,
            why=why,
        )

    def _ways_back(self, steps: dict[Place, list[Step]]) -> Generator[Stage, None, None]:
        """Try the old values of options with the new SDK: one sweep for all cells that need the same values."""
        by_options = defaultdict[tuple[tuple[str, int | bool], ...], list[tuple[Place, Step]]](list)
        for place, step in [(place, step) for place, each in steps.items() for step in each]:
            old = old_values(self._records[place, step.before], self._records[place, step.after])
            if old:
                by_options[tuple(old.items())].append((place, step))
        for options, at in by_options.items():
            names = list(dict.fromkeys(step.after for _, step in at))
            cells = list(dict.fromkeys(_key(place, step.after) for place, step in at))
            label = "-".join(f"{name}-{str(value).lower()}" for name, value in options)
            yield self._stage(label, self._question.sweep(names, cells, dict(options)))
            _, records = load_run(self._store, self._runs[-1])
            self._count(records)
            proofs = {(_place(record), record.cell.sdk or ""): record for record in by_graph(records)}
            for place, step in at:
                if record := proofs.get((place, step.after)):
                    self._try_back(place, step, record, dict(options))

    def _try_back(self, place: Place, step: Step, proof: CellRecord, options: dict[str, int | bool]) -> None:
        """Record what the old options did; the rest is stated with its own cause, the larger part first."""
        before = self._records[place, step.before]
        try:
            diff = compare_cells(
                self._store, before, proof, threshold_percent=self._question.threshold_percent
            )
        except (CellNotComparable, InvalidInput):
            return
        restores = diff.verdict is Outcome.SAME
        step.way_back = WayBack(options=options, run_id=proof.run_id, time=diff.time, restores=restores)
        if restores or not diff.time.after:
            return
        own = 100 * ((step.time.after or 0) / diff.time.after - 1)
        remainder = diff.time.percent or 0
        rest, why = cause_of(diff, {})
        parts = [
            (abs(own), step.cause, f"{step.why}, {signed_percent(own)}"),
            (abs(remainder), rest, f"{why}, {signed_percent(remainder)}"),
        ]
        parts.sort(key=lambda part: -part[0])
        step.cause, step.why = parts[0][1], "; ".join(part[2] for part in parts)

    def _stage(self, label: str, spec: SweepSpec) -> Stage:
        """Name the next stage, including the cells chosen so far: another threshold chooses other cells."""
        chosen = f"-{data_digest(spec.select.cells)[:6]}" if spec.select.cells else ""
        self._runs.append(f"{self._question.upgrade_id}-{label}{chosen}")
        return Stage(self._runs[-1], spec)

    def _read(self) -> None:
        _, records = load_run(self._store, self._runs[-1])
        self._count(records)
        for record in (*records, *by_graph(records)):
            self._records[_place(record), record.cell.sdk or ""] = record

    def _places(self, cell: Place) -> list[Place]:
        """Return the cell, or its graphs if both ends have the same ones."""
        sides = [
            {place for place, named in self._records if named == sdk and place[: len(cell)] == cell} - {cell}
            for sdk in (self._question.sdks[0], self._question.sdks[-1])
        ]
        return sorted(sides[0]) if sides[0] and sides[0] == sides[1] else [cell]

    def _count(self, records: Iterable[CellRecord]) -> None:
        """Note the graphs prepared since the search began, not those of cells that an earlier search finished."""
        self._compiled |= {
            record.prepared.key
            for record in records
            if record.prepared and not record.prepared.reused and record.finished_at >= self._began
        }

    def _compared(self, place: Place, before: str, after: str) -> CellDiff | None:
        at = (place, before, after)
        if at not in self._diffs:
            self._diffs[at] = self._compare(*at)
        return self._diffs[at]

    def _compare(self, place: Place, before: str, after: str) -> CellDiff | None:
        try:
            old, new = (self._records[place, sdk] for sdk in (before, after))
            return compare_cells(self._store, old, new, threshold_percent=self._question.threshold_percent)
        except KeyError:
            self._failed.setdefault(place, f"not every run of {before} and {after} left a record")
        except (CellNotComparable, InvalidInput) as error:
            self._failed.setdefault(place, str(error).rstrip("."))
        return None

    def _answer(self, ends: dict[Place, CellDiff], steps: dict[Place, list[Step]]) -> Upgrade:
        question = self._question
        cells = [
            CellUpgrade(
                cell="/".join(place),
                verdict=diff.verdict,
                time=diff.time,
                prepare=self._prepare(place),
                steps=steps.get(place, []),
            )
            for place, diff in ends.items()
        ]
        return Upgrade(
            upgrade_id=question.upgrade_id,
            before=question.sdks[0],
            after=question.sdks[-1],
            threshold_percent=question.threshold_percent,
            cells=sorted(cells, key=lambda cell: -(cell.time.percent or 0)),
            failed=[FailedCell(cell="/".join(place), why=why) for place, why in self._failed.items()],
            cycles=self._cycles() if question.every else {},
            runs=self._runs,
            compiled=len(self._compiled),
        )

    def _prepare(self, place: Place) -> list[Figure]:
        sdks = self._question.sdks
        ends = [self._records[place, sdk] for sdk in (sdks[0], sdks[-1])]
        return [
            Figure(name=figure.name, unit=figure.unit, before=before, after=after)
            for figure in (CONTEXT, COMPILE)
            if (before := figure.read(ends[0])) is not None and (after := figure.read(ends[1])) is not None
        ]

    def _cycles(self) -> dict[str, dict[str, float]]:
        cycles_of: dict[str, dict[str, float]] = {}
        for (place, sdk), record in self._records.items():
            if record.good and (cycles := CYCLES.read(record)) is not None:
                cycles_of.setdefault("/".join(place), {})[sdk] = cycles
        return cycles_of


def _moved(diff: CellDiff | None) -> bool:
    return diff is not None and diff.verdict is not Outcome.SAME


def _place(record: CellRecord) -> Place:
    _, mark, graph = record.cell.variant.partition("/")
    return record.cell.model.name, record.cell.soc, *([graph] if mark else [])


def _key(place: Place, sdk: str) -> str:
    return f"{place[0]}/{place[1]}/sdk-{sdk}"
