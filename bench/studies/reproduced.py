"""How small a part of a network still shows a change?

Every step of an upgrade of the demo's networks, and every option that was put back, is reduced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.plant import answered
from bench.size import Size
from qhas.reproducer.reproduce import CHANGE_PERCENT, searched
from qhas.reproducer.search import ENOUGH, SMALL
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.site.demo import NETWORKS, make_networks
from qhas.site.sdk import host_sdk_versions
from qhas.store import Store
from qhas.sweep.spec import NO_INPUTS
from qhas.upgrade.model import Upgrade
from qhas.upgrade.question import Question, named
from qhas.upgrade.search import search

_SOCS = ("sa8255", "sa8797")
_TRIALS = 60


@dataclass(frozen=True)
class Reduced:
    """A change, and the smallest part found that shows it."""

    cell: str
    before: str
    after: str
    whole_percent: float
    part_percent: float
    ops: tuple[str, ...]
    of_ops: int
    trials: int

    @property
    def good(self) -> bool:
        """Whether few ops show most of the change."""
        return len(self.ops) <= SMALL and self.part_percent / self.whole_percent >= ENOUGH


def measure(folder: Path, size: Size, console: Console) -> object:
    """Reduce every change and print the table. Needs the host SDK's generations: `python -m hostsdk install`."""
    names = NETWORKS if size is Size.FULL else ("squeezenet", "shufflenet")
    asyncio.run(make_networks(folder, lambda _: None, [f"{name}.dlc" for name in names]))
    site = Site(store=str(folder / "store"))
    models = named([str(folder / "networks" / f"{name}.dlc") for name in names], NO_INPUTS)
    question = Question(models, _SOCS, tuple(host_sdk_versions()), every=True)
    answer = answered(search(question, Store(site.store)), site)
    rows = list(reduced(answer, site, folder / "parts"))
    console.print(_table(rows))
    return [asdict(row) for row in rows]


def reduced(answer: Upgrade, site: Site, folder: Path) -> Iterator[Reduced]:
    """Yield each change of the answer, reduced."""
    for cell, before, after in _changes(answer, Store(site.store)):
        end = searched(before, after, site, folder, _TRIALS)
        yield Reduced(
            cell=cell,
            before=_describe(before),
            after=_describe(after),
            whole_percent=end.whole.percent or 0.0,
            part_percent=end.seen.get(end.part) or 0.0,
            ops=tuple(end.graph.ops[number].type for number in sorted(end.part)),
            of_ops=len(end.graph.ops),
            trials=len(end.seen),
        )


def _changes(answer: Upgrade, store: Store) -> Iterator[tuple[str, CellRecord, CellRecord]]:
    """Yield the records of each step, on the old SDK and the new one.

    Also yield those on the new SDK, with the old options and its own, if their times differ by the threshold.
    """
    records = {run: load_run(store, run)[1] for run in answer.runs}
    at = {
        (run, f"{record.cell.model.name}/{record.cell.soc}", record.cell.sdk): record
        for run, cells in records.items()
        for record in cells
    }
    first = answer.runs[0]
    for cell in answer.cells:
        for step in cell.steps:
            old, new = (at[first, cell.cell, sdk] for sdk in (step.before, step.after))
            yield cell.cell, old, new
            if step.way_back and step.time.after and step.way_back.time.after:
                back = at[step.way_back.run_id, cell.cell, step.after]
                if abs(100 * (step.time.after / step.way_back.time.after - 1)) >= CHANGE_PERCENT:
                    yield cell.cell, back, new


def _describe(record: CellRecord) -> str:
    vtcm = record.cell.prepare.vtcm_mb
    return f"{record.cell.sdk}{f', VTCM {vtcm}' if vtcm else ''}"


def _table(rows: Sequence[Reduced]) -> Table:
    good = sum(row.good for row in rows)
    title = f"{good} of {len(rows)} changes are shown for {ENOUGH:.0%} by at most {SMALL} ops"
    shown = Table("cell", "before", "after", title=title, title_justify="left", box=SIMPLE)
    for column in ("network", "part", "ops", "trials"):
        shown.add_column(column)
    for row in rows:
        change = (f"{percent:+.1f} %" for percent in (row.whole_percent, row.part_percent))
        ops = f"{len(row.ops)} of {row.of_ops}: {', '.join(row.ops[:SMALL])}"
        shown.add_row(row.cell, row.before, row.after, *change, ops, str(row.trials))
    return shown
