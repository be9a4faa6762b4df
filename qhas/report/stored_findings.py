"""Verdicts and histories of a run's cells, read from the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from qhas.history.columns import night_of
from qhas.history.damage import DamagedFile, Listener
from qhas.history.reading import Where, read_history
from qhas.profile.figures import HEADLINE, Figure
from qhas.report.findings import Findings, History, HistoryPoint
from qhas.runs.accepted import Acceptance, read_accepted
from qhas.runs.record import CellRecord, SweepRecord
from qhas.store import Store
from qhas.verdict.model import CellVerdict, Verdict
from qhas.verdict.stored import read_verdicts
from qhas.verdict.summary import morning_line

_SHOWN = timedelta(days=365)
_SEGMENT = ("sdk_version", "device", "build")
_CELL = ("network", "soc", "variant")
_COLUMNS = (*_CELL, "origin", "date", "finished_at", "run_id", *_SEGMENT)


def read_findings(store: Store, run: SweepRecord, cells: Sequence[CellRecord]) -> Findings:
    """Read the run's verdicts, and a year of the figure that each cell is judged by. Raises StoreError."""
    verdicts = read_verdicts(store, run.run_id)
    by_cell = defaultdict[str, list[CellVerdict]](list)
    for verdict in verdicts:
        by_cell[verdict.cell].append(verdict)
    damaged: list[DamagedFile] = []
    return Findings(
        morning=morning_line(verdicts) if verdicts else "",
        verdicts=by_cell,
        accepted=_accepted(store, run),
        histories=_histories(store, run, cells, by_cell, damaged.append),
        unreadable=[str(damage) for damage in damaged],
    )


def _accepted(store: Store, run: SweepRecord) -> dict[str, Acceptance]:
    every = read_accepted(store, run.spec.name)
    return {acceptance.cell: acceptance for acceptance in every if acceptance.night <= night_of(run)}


def _histories(
    store: Store,
    run: SweepRecord,
    cells: Sequence[CellRecord],
    verdicts: Mapping[str, Sequence[CellVerdict]],
    left_out: Listener,
) -> dict[str, list[History]]:
    nights = _nights(store, run, sorted({record.cell.model.name for record in cells}), left_out)
    histories = {}
    for record in cells:
        figure = HEADLINE[record.origin]
        title = figure.title_of(record.origin)
        marks = _marks(run, figure, verdicts.get(record.cell.key, ()))
        points = [
            _point(night, night[figure.column], marks)
            for night in nights.get((record.cell.key, record.origin), ())
            if night[figure.column] is not None
        ]
        if points:
            histories[record.cell.key] = [History(f"{title[0].upper()}{title[1:]}, µs", points)]
    return histories


def _nights(
    store: Store, run: SweepRecord, networks: Sequence[str], left_out: Listener
) -> Mapping[tuple[str, str], list[dict[str, Any]]]:
    """Return the nights up to this run's, oldest first, by cell key and origin."""
    figures = [figure.column for figure in HEADLINE.values()]
    last = night_of(run)
    where = Where(networks=networks, sweep=run.spec.name, since=last - _SHOWN)
    grouped = defaultdict[tuple[str, str], list[dict[str, Any]]](list)
    for night in read_history(store, where, (*_COLUMNS, *figures), left_out=left_out).to_pylist():
        if night["date"] <= last:
            key = "/".join(night[name] for name in _CELL)
            grouped[key, night["origin"]].append(night)
    return grouped


def _marks(run: SweepRecord, figure: Figure, verdicts: Sequence[CellVerdict]) -> dict[str, Verdict]:
    """Return this run's verdicts on the figure, keyed by this run and by the run in which the change began."""
    judged = [judgement for judgement in verdicts if judgement.metric is figure]
    return {
        run_id: judgement.verdict
        for judgement in judged
        for run_id in (judgement.since_run, run.run_id)
        if run_id
    }


def _point(night: Mapping[str, Any], value: float, marks: Mapping[str, Verdict]) -> HistoryPoint:
    sdk, device, build = (night[name] for name in _SEGMENT)
    return HistoryPoint(
        moment=night["finished_at"],
        run_id=night["run_id"],
        value=value,
        segment=" · ".join(filter(None, (f"SDK {sdk}", device, build))),
        verdict=marks.get(night["run_id"]),
    )
