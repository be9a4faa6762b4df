"""The way from one stored cell to another, one change at a time: SDK by SDK, option by option, DLC by DLC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qhas.cell.stored_dlc import prepared_dlc
from qhas.failures import InvalidInput
from qhas.machine.digest import data_digest
from qhas.machine.packing import arriving
from qhas.network.uncached import uncached
from qhas.runs.listing import FINISHED, run_lines
from qhas.runs.record import CellRecord
from qhas.runs.stored import read_cell, read_run
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.spec import ModelRef, PrepareOptions, RunOptions, SweepSpec, Variants
from qhas.upgrade.model import Changed
from qhas.upgrade.question import sdks_between
from qhas.upgrade.sdk_names import sdk_of

_DIGITS = 8


class NothingChanged(InvalidInput):
    """Two cells have the same SDK, options and DLC, so there is no point between them to try."""


@dataclass(frozen=True)
class Point:
    """What a cell is built from, and the last change on the way to it."""

    name: str
    changed: Changed
    model: ModelRef
    soc: str
    sdk: str | None
    prepare: PrepareOptions
    run: RunOptions

    def sweep(self) -> SweepSpec:
        """Return a sweep of this cell alone."""
        return SweepSpec(
            name="bisect",
            models=[self.model],
            socs=[self.soc],
            variants=Variants(sdk=[self.sdk] if self.sdk else []),
            prepare=self.prepare,
            run=self.run,
        )

    @property
    def run_id(self) -> str:
        """The run's id; the same for equal points, so that a repeated search runs nothing."""
        return f"bisect-{data_digest(self.sweep().model_dump(mode='json'))[:12]}"


@dataclass(frozen=True)
class Dlcs:
    """Networks of stored cells as files in a folder, extracted from the prepared DLCs."""

    store: Store
    folder: Path

    def of(self, record: CellRecord) -> Path:
        """Return the cell's DLC. Raises InvalidInput if the store no longer has it, or holds something else."""
        target = self.folder / f"{_digest(record)}.dlc"
        if target.is_file():
            return target
        prepared = prepared_dlc(self.store, record, self.folder)
        try:
            with arriving(target) as partial:
                uncached(prepared, partial)
        except ValueError as error:
            raise InvalidInput(f"The DLC of run {record.run_id} cannot be recovered: {error}.") from error
        return target


def points_between(
    store: Store, site: Site, before: CellRecord, after: CellRecord, folder: Path
) -> list[Point]:
    """List the points from `before` to `after`, both included, each one change further.

    Raises NothingChanged, and InvalidInput for a DLC that is gone.
    """
    dlcs = Dlcs(store, folder)
    same_dlc = _digest(before) == _digest(after)
    old_sdk, new_sdk = (sdk_of(site, record) for record in (before, after))
    cell = before.cell
    model = after.cell.model
    first = model if same_dlc else model.model_copy(update={"dlc": str(dlcs.of(before))})
    point = Point(f"run {before.run_id}", Changed.NOTHING, first, cell.soc, old_sdk, cell.prepare, cell.run)
    points = [point]
    for name in _sdks(site, old_sdk, new_sdk):
        points.append(replace(points[-1], sdk=name, name=f"SDK {name or 'of the site'}", changed=Changed.SDK))
    for option, value in _options(before.cell.prepare, after.cell.prepare):
        prepare = points[-1].prepare.model_copy(update={option: value})
        points.append(
            replace(points[-1], prepare=prepare, name=_describe(option, value), changed=Changed.OPTION)
        )
    if before.cell.run != after.cell.run:
        profile = after.cell.run.perf_profile
        points.append(
            replace(
                points[-1],
                run=after.cell.run,
                name=_describe("perf_profile", profile),
                changed=Changed.OPTION,
            )
        )
    if not same_dlc:
        for record in (*_versions(store, before, after), after):
            dlc = model if record is after else model.model_copy(update={"dlc": str(dlcs.of(record))})
            name = f"DLC {_digest(record)[:_DIGITS]}"
            points.append(replace(points[-1], model=dlc, name=name, changed=Changed.DLC))
    if len(points) == 1:
        raise NothingChanged(
            f"The cell has the same SDK, options and DLC in runs {before.run_id} and {after.run_id}; use qhas compare to see "
            "what else differs."
        )
    return points


def _sdks(site: Site, before: str | None, after: str | None) -> Iterator[str | None]:
    if before == after:
        return
    if before and after:
        yield from sdks_between(site, before, after)[1:]
    else:
        yield after


def _options(before: PrepareOptions, after: PrepareOptions) -> Iterator[tuple[str, Any]]:
    for name, value in after:
        if getattr(before, name) != value:
            yield name, value


def _describe(option: str, value: object) -> str:
    return f"{option}: {'the default' if value is None else str(value).lower()}"


def _versions(store: Store, before: CellRecord, after: CellRecord) -> Iterator[CellRecord]:
    """Yield the cell with each other DLC that runs of the sweep used between the two, oldest first."""
    last = read_run(store, after.run_id)
    seen = {_digest(before), _digest(after)}
    lines = [line for line in run_lines(store) if last and line.sweep == last.spec.name]
    for line in sorted(lines, key=lambda line: line.started_at):
        if not before.started_at < line.started_at < after.started_at or line.state not in FINISHED:
            continue
        record = read_cell(store, line.run_id, after.cell)
        if record and record.good and record.prepared and _digest(record) not in seen:
            seen.add(_digest(record))
            yield record


def _digest(record: CellRecord) -> str:
    return record.model.sha256 if record.model else ""
