"""Judges a run against the history of its sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from qhas.history import Rerun, Where, append, read_history, read_reruns
from qhas.history.columns import cell_rows, night_of
from qhas.machine.collector import rare_collections
from qhas.profile.figures import COSINE, JUDGED, SQNR, Figure
from qhas.runs.accepted import Acceptance, read_accepted
from qhas.runs.record import CellRecord, Origin, SweepRecord, by_graph
from qhas.store import Store
from qhas.verdict.exact import ExactLadder
from qhas.verdict.ladder import Ladder
from qhas.verdict.model import CellVerdict, SdkOutcome, Verdict
from qhas.verdict.night import judge_night
from qhas.verdict.point import Again, Block, Point, SeriesKey
from qhas.verdict.sentences import verdict_of
from qhas.verdict.stored import write_verdicts

LOOK_BACK_DAYS = 75
DRIFT_DAYS = LOOK_BACK_DAYS + 85
"""Days to look back for a drift, more than are judged by: its level is that of 120 days before its first alarm."""
EXACT_DAYS = 40
"""Days to look back for figures without noise, which need no level."""
LOW_BATTERY = 20
"""Percent below which phones lower their clocks, unless they are charging."""
MOST_RERUNS = 25
"""If more cells are suspicious, the whole night is, and re-runs of the gravest are as informative."""


class _Row(NamedTuple):
    """What verdicts read from the history: every field except the last is a column of it."""

    date: date
    network: str
    soc: str
    variant: str
    run_id: str
    finished_at: Any
    origin: str
    control: bool | None
    perf_profile: str | None
    sdk_kind: str
    sdk_version: str
    model_sha256: str | None
    prepared_sha256: str | None
    graph_key: str | None
    device: str | None
    serial: str | None
    build: str | None
    poor: list[str] | None
    rerun_median_us: float | None
    rerun_serial: str | None
    rerun_device: str | None
    rerun_build: str | None
    rerun_poor: list[str] | None
    battery_percent_before: int | None
    charging_before: bool | None
    chip_celsius_before: float | None
    accuracy_inputs: int | None
    figures: Mapping[Figure, float | None]


_FACTS = _Row._fields[:-1]
_OVER_INPUTS = (COSINE, SQNR)
_BY_NOISE = {noisy: [each for each in JUDGED.values() if each.noisy is noisy] for noisy in (True, False)}
_COLUMNS = (*_FACTS, *JUDGED)


def judge_run(
    store: Store, run: SweepRecord, records: Sequence[CellRecord], reruns: Mapping[str, Rerun] | None = None
) -> list[CellVerdict]:
    """Add a run to the history, judge it against the earlier runs of its sweep, store and return the verdicts.

    May be called again for the same run, with or without re-runs: it then replaces what it wrote. Raises StoreError.
    """
    measured_again = read_reruns(store, run.run_id, records) if reruns is None else reruns
    append(store, run, records, measured_again)
    return judge_again(store, run)


def judge_again(store: Store, run: SweepRecord) -> list[CellVerdict]:
    """Judge a run that is in the history by what is known now, store and return the verdicts. Raises StoreError."""
    accepted = read_accepted(store, run.spec.name)
    verdicts = judge(_recent_nights(store, run), run.run_id, night_of(run), accepted)
    write_verdicts(store, run.run_id, verdicts)
    return verdicts


def look_at_part(store: Store, run: SweepRecord, records: Sequence[CellRecord]) -> list[CellVerdict]:
    """Judge some cells of an unfinished run against the earlier runs of its sweep; nothing is written.

    Cells that others run at the same time are not known, so a shift of the whole night may go unnoticed. Raises
    StoreError.
    """
    before = _recent_nights(store, run).filter(pc.field("run_id") != run.run_id)
    rows = cell_rows(run, by_graph(records), {}).select(list(_COLUMNS))
    accepted = read_accepted(store, run.spec.name)
    return judge(pa.concat_tables([before, rows]), run.run_id, night_of(run), accepted)


def _recent_nights(store: Store, run: SweepRecord) -> pa.Table:
    since = night_of(run) - timedelta(days=DRIFT_DAYS)
    return read_history(store, Where(sweep=run.spec.name, since=since), _COLUMNS)


def suspects(verdicts: Iterable[CellVerdict], records: Iterable[CellRecord]) -> list[CellRecord]:
    """Return the cells that a re-run on another lease decides, the largest changes first; simulated ones need none."""
    open_ = {Verdict.SUSPICIOUS, Verdict.POOR_CONDITIONS}
    change = {
        verdict.cell: abs(verdict.change_percent or 0)
        for verdict in verdicts
        if verdict.verdict in open_
        or (verdict.metric.noisy and verdict.upgrade and verdict.upgrade.outcome is not SdkOutcome.SAME)
    }
    candidates = [
        record for record in records if record.cell.key in change and record.origin is Origin.DEVICE
    ]
    return sorted(candidates, key=lambda record: -change[record.cell.key])[:MOST_RERUNS]


@rare_collections()
def judge(
    table: pa.Table, run_id: str, night: date, accepted: Iterable[Acceptance] = ()
) -> list[CellVerdict]:
    """Judge a run of that night, from rows of the history with the columns needed; later rows do not count."""
    judgements = list(accepted)
    rows = list(_rows(table.filter(pc.field("date") <= night)))
    rows.sort(key=lambda row: (row.date, row.run_id == run_id, row.finished_at))
    recent = [row for row in rows if row.date >= night - timedelta(days=EXACT_DAYS)]
    verdicts = {
        **_exact(recent, run_id, judgements),
        **_noisy(rows, run_id, night - timedelta(days=LOOK_BACK_DAYS), judgements),
    }
    order = list(JUDGED.values())
    return sorted(verdicts.values(), key=lambda verdict: (verdict.cell, order.index(verdict.metric)))


def _rows(table: pa.Table) -> Iterator[_Row]:
    columns = [table.column(name).to_pylist() for name in _COLUMNS]
    for values in zip(*columns, strict=True):
        figures = zip(JUDGED.values(), values[len(_FACTS) :], strict=True)
        yield _Row._make((*values[: len(_FACTS)], dict(figures)))


def _exact(rows: Iterable[_Row], run_id: str, accepted: Iterable[Acceptance]) -> dict[SeriesKey, CellVerdict]:
    """Compare every run with the one before."""
    by_run = {(each.cell, each.run_id): each for each in accepted}
    ladders: dict[SeriesKey, ExactLadder] = {}
    verdicts = {}
    for row in rows:
        for key, point in _points(row, noisy=False):
            ladder = ladders.setdefault(key, ExactLadder(key.metric.less_is_better))
            judgement = ladder.step(point)
            if acceptance := by_run.get((key.cell, row.run_id)):
                judgement = judgement.accepted(acceptance.sentence)
                ladder.accept()
            if row.run_id == run_id:
                verdicts[key] = verdict_of(key, judgement)
    return verdicts


def _noisy(
    rows: Iterable[_Row], run_id: str, judged: date, accepted: Iterable[Acceptance]
) -> dict[SeriesKey, CellVerdict]:
    """Judge night by night: a night's point is from its last run, and on this run's night from this run."""
    by_night = {(each.cell, each.night): each for each in accepted}
    nights: dict[date, dict[SeriesKey, Point]] = defaultdict(dict)
    for row in rows:
        nights[row.date] |= _points(row, noisy=True)
    ladders: dict[SeriesKey, Ladder] = defaultdict(Ladder)
    verdicts: dict[SeriesKey, CellVerdict] = {}
    for day in sorted(nights):
        if day < judged:
            for key, point in nights[day].items():
                ladders[key].remember(point)
            continue
        judgements = judge_night(ladders, nights[day])
        for key, judgement in judgements.items():
            if acceptance := by_night.get((key.cell, day)):
                ladders[key].accept(judgement)
                judgements[key] = judgement.accepted(acceptance.sentence)
        verdicts = {
            key: verdict_of(key, judgement)
            for key, judgement in judgements.items()
            if judgement.point.run_id == run_id
        }
    return verdicts


def _points(row: _Row, *, noisy: bool) -> Iterator[tuple[SeriesKey, Point]]:
    """Yield the row's figures of one kind, each under its series. A failed cell has those that it got as far as."""
    values = [
        (metric, value)
        for metric in _BY_NOISE[noisy]
        if row.origin in metric.judged and (value := row.figures[metric]) is not None and (value or not noisy)
    ]
    if not values:
        return
    origin, facts = Origin(row.origin), _facts(row)
    for metric, value in values:
        inputs = (row.accuracy_inputs or 1) if metric in _OVER_INPUTS else 1
        key = SeriesKey(row.network, row.soc, row.variant, row.perf_profile or "", origin, metric, inputs)
        yield key, Point(value=float(value), **facts)


def _facts(row: _Row) -> dict[str, Any]:
    """Return what the points of all figures of a row have in common."""
    return {
        "run_id": row.run_id,
        "day": row.date,
        "sdk": row.sdk_version if row.sdk_kind == "vendor" else f"{row.sdk_version} ({row.sdk_kind})",
        "block": Block(row.serial or row.device or "", row.build or ""),
        "device": row.device if row.origin == Origin.DEVICE else None,
        "artifact": row.prepared_sha256,
        "graph": row.graph_key,
        "model": row.model_sha256,
        "control": bool(row.control),
        "poor": (*(row.poor or ()), *_low_battery(row)),
        "celsius": row.chip_celsius_before,
        "again": _again(row),
    }


def _again(row: _Row) -> Again | None:
    if row.rerun_median_us is None:
        return None
    block = Block(row.rerun_serial or row.rerun_device or "", row.rerun_build or "")
    return Again(row.rerun_median_us, block, row.rerun_device or block.serial, tuple(row.rerun_poor or ()))


def _low_battery(row: _Row) -> list[str]:
    percent = row.battery_percent_before
    low = percent is not None and percent < LOW_BATTERY and not row.charging_before
    return [f"battery at {percent} %"] if low else []
