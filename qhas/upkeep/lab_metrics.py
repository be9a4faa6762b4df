"""The present state of a lab as gauges: the last finished run of each sweep, the devices, the store.

Measured and simulated figures never share a name: `qhas_measured_latency_seconds`, `qhas_simulated_time_seconds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from fnmatch import fnmatchcase

from qhas.failures import InvalidInput
from qhas.profile.figure import Figure, Unit
from qhas.profile.figures import FIGURES
from qhas.profile.origin import Origin
from qhas.runs import keys
from qhas.runs.listing import FINISHED, RunLine, run_lines
from qhas.runs.record import CellRecord, SweepRecord, by_graph
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.sweep.spec import Cell
from qhas.upkeep.openmetrics import Family
from qhas.upkeep.rack import Standing
from qhas.verdict.model import Verdict, headlines
from qhas.verdict.stored import read_verdicts

EXPORTED = tuple(figure for figure in FIGURES if figure.budget)
"""Figures that may deserve an alert: those that budgets accept."""
_SOURCES = {Origin.DEVICE: "measured", Origin.SIMULATOR: "simulated"}
BASE_UNITS: Mapping[Unit, tuple[str, float]] = {
    Unit.MICROSECONDS: ("seconds", 1e-6),
    Unit.MILLISECONDS: ("seconds", 1e-3),
    Unit.SECONDS: ("seconds", 1.0),
    Unit.CYCLES: ("cycles", 1.0),
    Unit.BYTES: ("bytes", 1.0),
    Unit.COUNT: ("", 1.0),
    Unit.PERCENT: ("ratio", 1e-2),
    Unit.MEGAHERTZ: ("hertz", 1e6),
    Unit.CYCLES_A_PACKET: ("", 1.0),
    Unit.RATIO: ("", 1.0),
    Unit.DECIBELS: ("decibels", 1.0),
    Unit.VALUE: ("", 1.0),
    Unit.TOKENS_A_SECOND: ("tokens_per_second", 1.0),
}
"""What ends the name of a metric, and the factor that converts a figure's value to that unit."""
_SHORT_UNITS = ("_us", "_ms", "_seconds", "_cycles", "_bytes", "_percent", "_mhz", "_db", "_tokens_per_s")
"""Endings of the figures' own names, which the base unit replaces."""


def run_families(store: Store, pattern: str, since: datetime) -> Iterator[Family]:
    """Yield gauges of the last finished run of each sweep whose name matches, of those started since `since`.

    Raises StoreError.
    """
    lines = _last_of_each(run_lines(store), pattern, since)
    runs = [loaded for line in lines if (loaded := _load(store, line))]
    yield from _runs(store, runs)
    yield from _cells(runs)


def _last_of_each(lines: Iterable[RunLine], pattern: str, since: datetime) -> Collection[RunLine]:
    last: dict[str, RunLine] = {}
    for line in lines:  # the latest first
        if line.state in FINISHED and line.started_at >= since and fnmatchcase(line.sweep, pattern):
            last.setdefault(line.sweep, line)
    return last.values()


def _load(store: Store, line: RunLine) -> tuple[SweepRecord, list[CellRecord]] | None:
    try:
        return load_run(store, line.run_id)
    except InvalidInput:  # pruned, or rewritten by a later version, since it was listed
        return None


def _runs(store: Store, runs: Collection[tuple[SweepRecord, list[CellRecord]]]) -> Iterator[Family]:
    info = Family("qhas_run_info", "The last finished run of a sweep: its id, state and SDK. Always 1.")
    started = Family("qhas_run_started_timestamp_seconds", "When that run began, Unix time.", "seconds")
    finished = Family("qhas_run_finished_timestamp_seconds", "When that run ended, Unix time.", "seconds")
    cells = Family("qhas_run_cells", "Cells of that run by outcome.")
    kinds = Family("qhas_run_failed_cells", "Failed cells of that run by kind of failure (docs/failures.md).")
    over = Family("qhas_run_over_budget_cells", "Cells of that run that are over a budget.")
    verdicts = Family(
        "qhas_run_verdict_cells", "Cells of that run by their worst verdict (docs/verdicts.md)."
    )
    for run, records in runs:
        sweep = {"sweep": run.spec.name}
        sdk = run.sdk.version if run.sdk else ""
        info.add(1, {**sweep, "run": run.run_id, "state": run.state, "sdk": sdk})
        started.add(run.started_at.timestamp(), sweep)
        if run.finished_at:
            finished.add(run.finished_at.timestamp(), sweep)
        good = run.cells - run.failed - run.missing
        for outcome, count in {"good": good, "failed": run.failed, "missing": run.missing}.items():
            cells.add(count, {**sweep, "outcome": outcome})
        for kind, count in Counter(record.failure.kind for record in records if record.failure).items():
            kinds.add(count, {**sweep, "kind": kind})
        over.add(run.over_budget, sweep)
        gravest = Counter(verdict.verdict for verdict in headlines(read_verdicts(store, run.run_id)).values())
        for verdict in Verdict:
            verdicts.add(gravest[verdict], {**sweep, "verdict": verdict})
    yield from (info, started, finished, cells, kinds, over, verdicts)


def _cells(runs: Iterable[tuple[SweepRecord, list[CellRecord]]]) -> Iterator[Family]:
    good = Family("qhas_cell_good", "1 for a cell that succeeded, 0 for one that failed.")
    figures = {
        (figure, origin): _family(figure, origin)
        for figure in EXPORTED
        for origin in Origin
        if origin in figure.origins
    }
    for run, records in runs:
        for record in by_graph(records):
            labels = {"sweep": run.spec.name} | _labels(record.cell)
            good.add(record.good, labels)
            for figure in EXPORTED:
                value = figure.read(record)
                if value is not None and (family := figures.get((figure, record.origin))):
                    family.add(value * BASE_UNITS[figure.unit][1], labels)
    yield good
    yield from figures.values()


def _labels(cell: Cell) -> dict[str, str]:
    return {"network": cell.model.name, "soc": cell.soc, "variant": cell.variant}


def _family(figure: Figure, origin: Origin) -> Family:
    unit, _ = BASE_UNITS[figure.unit]
    stem = figure.name
    for end in _SHORT_UNITS:
        stem = stem.removesuffix(end)
    name = "_".join(part for part in ("qhas", _SOURCES[origin], stem, unit) if part)
    return Family(name, figure.meaning, unit)


def device_families(standings: Iterable[Standing]) -> Iterator[Family]:
    """Yield gauges of which devices may work and which do, according to the shared files of this host."""
    quarantined = Family("qhas_device_quarantined", "1 for a device in quarantine.")
    failures = Family("qhas_device_failures", "Consecutive failures of a device in quarantine.")
    until = Family(
        "qhas_device_quarantined_until_timestamp_seconds", "When it may be tried again.", "seconds"
    )
    leased = Family("qhas_device_leased", "1 for a device that a process of this host uses.")
    waiting = Family("qhas_device_waiting", "Processes of this host that wait for a device.")
    for standing in standings:
        labels = {"device": standing.name, "soc": standing.soc, "transport": standing.transport}
        quarantine = standing.lease.quarantine
        quarantined.add(quarantine is not None, labels)
        if quarantine:
            failures.add(quarantine.failures, labels)
            until.add(quarantine.until.timestamp(), labels)
        leased.add(bool(standing.lease.holder or standing.lease.stranger), labels)
        waiting.add(len(standing.lease.waiting), labels)
    yield from (quarantined, failures, until, leased, waiting)


def store_families(store: Store) -> Iterator[Family]:
    """Yield gauges of bytes and objects by part of the store. Every object is listed. Raises StoreError."""
    size = Family("qhas_store_bytes", "Bytes of the store by part.", "bytes")
    objects = Family("qhas_store_objects", "Objects of the store by part.")
    for part in keys.PARTS:
        stored = store.objects(part)
        size.add(sum(each.size for each in stored), {"part": part})
        objects.add(len(stored), {"part": part})
    yield from (size, objects)
