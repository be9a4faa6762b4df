"""Years of nightly history in S3: how long it takes to query a network, to append a night, to compact it all."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.failure import BenchFailed
from bench.figures import Spread
from bench.size import Size
from fakes.records import measured, metrics, model, run_record, spec
from fakes.s3 import Ceph, MotoServer, S3Server, ceph_is_installed
from qhas.history import Where, append, compact, read_history
from qhas.history.columns import cell_rows, op_rows
from qhas.history.files import Kind, listing, parquet
from qhas.runs.record import CellRecord, SweepRecord
from qhas.store import Store
from qhas.sweep.spec import Cell
from qhas.verdict.judge import judge_run

_NETWORKS, _SOCS = 50, 6
_NIGHTS = {Size.QUICK: 180, Size.NORMAL: 3 * 365, Size.FULL: 3 * 365}
_ROUNDS = {Size.QUICK: 2, Size.NORMAL: 5, Size.FULL: 10}
_QUESTION = "select op, soc, sum(dominant_cycles) as cycles from ops group by op, soc order by cycles desc"
_OPS = tuple(f"Op{number}" for number in range(10))


class HistoryInvalid(BenchFailed):
    """Rows are missing or duplicated. The message says how many."""


@dataclass(frozen=True)
class Answers:
    """The seconds of each round on a server, and what is stored there."""

    server: str
    nights: int
    files: int
    megabytes: float
    compaction: float
    command: list[float]
    """`qhas history NETWORK SOC` in its own process, including its start and its plot."""
    command_cpu: list[float]
    """CPU seconds of the same: its time on an idle machine, apart from waiting."""
    query: list[float]
    """The same rows, read in a process that has imported everything."""
    sql: list[float]
    """`qhas query` over all ops of these nights, in its own process."""
    sql_cpu: list[float]
    """CPU seconds of the same."""
    append: list[float]
    """Appending a night of 300 cells."""
    judge: list[float]
    """The same with its verdicts, for which the nights before are read."""


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure on every S3 server there is. Raises BenchFailed, or HistoryInvalid for wrong rows."""
    found = []
    for kind in (MotoServer, *([Ceph] if ceph_is_installed() else [])):
        place = folder / kind.__name__
        place.mkdir()
        try:
            with kind(place) as server, _environment(server):
                found.append(_answers(server, place, _NIGHTS[size], _ROUNDS[size]))
        except (OSError, RuntimeError) as error:
            raise BenchFailed(f"{kind.__name__}: {error}") from error
    console.print(_table(found))
    return [asdict(size) for size in found]


@contextmanager
def _environment(server: S3Server) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(server.environ())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _answers(server: S3Server, folder: Path, nights: int, rounds: int) -> Answers:
    root = f"s3://{server.bucket()}/lab"
    store, site = Store(root), folder / "site.yaml"
    site.write_text(json.dumps({"store": root}), encoding="utf-8")
    cells = sweep_cells()
    last = datetime.now(UTC).date()
    fill(store, cells, last - timedelta(days=nights), nights)
    compaction = _seconds(lambda: compact(store, datetime.now(UTC)))
    _require_rows(store, nights * len(cells))
    files = listing(store, Kind.CELLS)
    where = Where(["net07"], "soc3")
    if len(read_history(store, where)) != nights:
        raise HistoryInvalid(f"net07 on soc3 has {len(read_history(store, where))} rows of {nights}")
    command = [str(Path(sys.executable).parent / "qhas"), "history", "net07", "soc3", "--site", str(site)]
    commands = [_wall_and_cpu(command, "net07 on soc3") for _ in range(rounds)]
    questions = [
        _wall_and_cpu([command[0], "query", _QUESTION, "--site", str(site)], "soc3") for _ in range(rounds)
    ]
    found = Answers(
        server=type(server).__name__,
        nights=nights,
        files=len(files),
        megabytes=sum(file.found.size for file in files) / 1e6,
        compaction=compaction,
        command=[wall for wall, _ in commands],
        command_cpu=[cpu for _, cpu in commands],
        query=[_seconds(lambda: read_history(store, where)) for _ in range(rounds)],
        sql=[wall for wall, _ in questions],
        sql_cpu=[cpu for _, cpu in questions],
        append=[
            _seconds(partial(append, store, night(last, f"a{number}"), cells)) for number in range(rounds)
        ],
        judge=[
            _seconds(partial(judge_run, store, night(last, f"j{number}"), cells)) for number in range(rounds)
        ],
    )
    appended = 2 * rounds * len(cells)
    _two_at_once(root, last, rounds)
    _require_rows(store, nights * len(cells) + appended + 2 * rounds * len(cells))
    return found


def _two_at_once(root: str, day: date, rounds: int) -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        for number in range(rounds):
            list(processes.map(_append, [(root, day, f"both{number}-{which}") for which in "ab"]))


def _append(given: tuple[str, date, str]) -> None:
    root, day, run_id = given
    append(Store(root), night(day, run_id), sweep_cells())


def _run(command: list[str], told: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode or told not in done.stdout:
        raise HistoryInvalid(f"qhas {command[1]} failed: {done.stdout}{done.stderr}")


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def _wall_and_cpu(command: list[str], told: str) -> tuple[float, float]:
    """Return the wall and CPU seconds of a process, which must print `told`. Raises HistoryInvalid."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = _seconds(lambda: _run(command, told))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _require_rows(store: Store, expected: int) -> None:
    table = read_history(store, Where(), ("run_id", "network", "soc"))
    found, distinct = len(table), len(table.group_by(["run_id", "network", "soc"]).aggregate([]))
    if not found == distinct == expected:
        raise HistoryInvalid(
            f"the history has {found} rows, {distinct} of them distinct; {expected} were expected"
        )


def sweep_cells() -> list[CellRecord]:
    """Return the cells of a night of phones: 50 networks on 6 SoCs."""
    figures = metrics(
        top_ops=[{"op": op, "cycles": 5, "dominant_cycles": 4, "dominant_percent": 9.0} for op in _OPS]
    )
    return [
        measured(Cell(model=model(f"net{number:02}"), soc=f"soc{soc}"), metrics=figures)
        for number in range(_NETWORKS)
        for soc in range(_SOCS)
    ]


def night(day: date, run_id: str) -> SweepRecord:
    """Return the run of a night."""
    begun = datetime(day.year, day.month, day.day, 22, tzinfo=UTC)
    return run_record(_NETWORKS * _SOCS, run_id=run_id, started_at=begun, spec=spec())


def fill(store: Store, cells: list[CellRecord], first: date, nights: int) -> None:
    """Write one file per night, as runs do: the rows of real records, with different dates and latencies."""
    random = np.random.default_rng(1)
    tables = [
        (Kind.CELLS, cell_rows(night(first, "run"), cells, {})),
        (Kind.OPS, op_rows(night(first, "run"), cells)),
    ]

    def write(number: int) -> None:
        day = first + timedelta(days=number)
        for kind, rows in tables:
            content = parquet(_of_night(rows, day, f"nightly-{day:%Y%m%d}", factors[number]))
            store.write(f"{kind}/date={day.isoformat()}/nightly-{day:%Y%m%d}.parquet", content)

    factors = random.normal(1, 0.01, (nights, len(cells)))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(nights)))


def _of_night(rows: pa.Table, day: date, run_id: str, factor: Any) -> pa.Table:
    ended = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
    changed: dict[str, Any] = {"date": day, "run_id": run_id, "finished_at": ended}
    for name, value in changed.items():
        column = pa.array([value] * len(rows), rows.schema.field(name).type)
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
    for name in ("median_us", "p90_us", "min_us"):
        if name in rows.schema.names:
            values = pa.array(rows.column(name).to_numpy() * factor)
            rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)
    return rows


def _table(found: list[Answers]) -> Table:
    shown = Table(
        "",
        *(size.server for size in found),
        title="Seconds: minimum/median/maximum",
        title_justify="left",
        box=SIMPLE,
    )
    shown.add_row("nights of 300 cells", *(f"{size.nights:,}" for size in found))
    shown.add_row("files, MB", *(f"{size.files}, {size.megabytes:.1f}" for size in found))
    shown.add_row("compaction of all of it", *(f"{size.compaction:.1f}" for size in found))
    for title, field in (
        ("qhas history NETWORK SOC", "command"),
        ("CPU of it", "command_cpu"),
        ("its rows, in a warm process", "query"),
        ("qhas query over all ops", "sql"),
        ("CPU of it", "sql_cpu"),
        ("append a night", "append"),
        ("append and judge a night", "judge"),
    ):
        spreads = [Spread.of(getattr(size, field)) for size in found]
        shown.add_row(title, *(f"{each.low:.2f}/{each.middle:.2f}/{each.high:.2f}" for each in spreads))
    return shown
