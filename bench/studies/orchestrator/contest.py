"""Run sweeps of growing size on each database and print the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.cases import fake_networks
from bench.fresh import in_a_fresh_process
from bench.job import Job
from bench.server import Server, prefect_server
from bench.size import Size
from bench.studies.makespan.rack import SOCS
from bench.studies.orchestrator.database import Database, DatabaseMissing, postgresql
from bench.studies.orchestrator.messages import Messages, MessagesMissing, redis
from fakes.sdk import build_fake_sdk
from qhas.machine.shared_directory import DIRECTORY_VARIABLE

_SLOTS, _DEVICES = 8, 2
_PACE = 1.0
"""Seconds that a cell holds its device in a paced sweep: with all eight devices, eight cells per second."""
_SWEEPS: dict[Size, tuple[tuple[int, float], ...]] = {
    Size.QUICK: ((10, 0), (100, 0)),
    Size.NORMAL: ((10, 0), (100, 0), (100, _PACE)),
    Size.FULL: ((10, 0), (100, 0), (1000, 0), (5000, _PACE)),
}
"""Number of cells, and the seconds that each holds its device."""
_STILL_SECONDS = 60.0
"""A server that has recorded nothing for this long has lost the rest."""
_LOOK_SECONDS = 1.0
_MIB = 1 << 20
_TASK_RUNS_A_CELL = 4
"""Those of a simulated cell: graph-prepare, net-run, chrometrace, publish."""


@dataclass(frozen=True)
class Cost:
    """The cost of a sweep without tools. Times are seconds of the whole sweep; memory is in bytes."""

    database: str
    cells: int
    device_seconds: float
    """Seconds that a cell holds its device; with zero, cells follow as fast as the client can manage."""
    wall: float
    client_cpu: float
    server_cpu: float
    """CPU seconds until all task runs are recorded and the server is idle again."""
    database_cpu: float | None
    """Includes Redis. None for SQLite, which is part of the server."""
    peak_memory: int
    """The client's."""
    recorded_at_end: float
    """Share of the task runs that the server showed as completed when the client finished."""
    recorded_after: float | None
    """Seconds from the client's end until the server showed all task runs; None if it never did, having lost some."""
    recorded: float
    """Share of the task runs that the server finally showed as completed."""


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure every database and print the table. Raises ContenderFailed and ServerFailed."""
    costs, left_out = list(_on_sqlite(folder / "sqlite", size)), ""
    try:
        costs += _on_postgresql(folder / "postgresql", size)
        costs += _on_redis(folder / "redis", size)
    except (DatabaseMissing, MessagesMissing) as reason:
        left_out = str(reason)
        console.print(f"The rest is left out: {reason}")
    console.print(_table(costs))
    return {"costs": [asdict(cost) for cost in costs], "left_out": left_out}


def _on_sqlite(folder: Path, size: Size) -> Iterator[Cost]:
    folder.mkdir()
    with prefect_server(folder) as server:
        yield from _costs("SQLite", folder, size, server, None)


def _on_postgresql(folder: Path, size: Size) -> Iterator[Cost]:
    folder.mkdir()
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        server = stack.enter_context(prefect_server(folder, database.url))
        yield from _costs(f"PostgreSQL {database.version}", folder, size, server, database)


def _on_redis(folder: Path, size: Size) -> Iterator[Cost]:
    folder.mkdir()
    with ExitStack() as stack:
        messages = stack.enter_context(redis())
        database = stack.enter_context(postgresql())
        server = stack.enter_context(prefect_server(folder, database.url, messages.settings))
        beside = _Beside(database, messages)
        yield from _costs(f"PostgreSQL {database.version}, Redis", folder, size, server, beside)


@dataclass(frozen=True)
class _Beside:
    """The services that the server uses: its database and its message broker."""

    database: Database
    messages: Messages

    def cpu(self) -> float:
        return self.database.cpu() + self.messages.cpu()


def _costs(
    name: str, folder: Path, size: Size, server: Server, database: Database | _Beside | None
) -> Iterator[Cost]:
    server.settle()
    sdk = build_fake_sdk(folder / "sdk")
    most = max(cells for cells, _ in _SWEEPS[size])
    networks = fake_networks(folder / "networks", (f"net{n:04}" for n in range(-(-most // len(SOCS)))))
    for number, (cells, seconds) in enumerate([(1, 0.0), *_SWEEPS[size]]):  # the first warms up
        place = folder / f"sweep{number}"
        place.mkdir()
        wanted = networks[: -(-cells // len(SOCS))]
        job = Job(str(sdk), wanted, SOCS, str(place), _SLOTS, _DEVICES, limit=cells, device_seconds=seconds)
        cost = _cost(name, job, cells, server, database)
        if number:
            yield cost


def _cost(name: str, job: Job, cells: int, server: Server, database: Database | _Beside | None) -> Cost:
    recorded, wanted = _recorded(server), cells * _TASK_RUNS_A_CELL
    cpu, database_cpu = server.cpu(), database.cpu() if database else 0.0
    environment = server.environment | {DIRECTORY_VARIABLE: str(Path(job.folder).parent / "leases")}
    used = in_a_fresh_process("bench.studies.orchestrator.cells", job, environment)
    ended = moved = time.monotonic()
    at_end = found = _recorded(server) - recorded
    while found < wanted and time.monotonic() - moved < _STILL_SECONDS:
        time.sleep(_LOOK_SECONDS)
        if (now := _recorded(server) - recorded) > found:
            found, moved = now, time.monotonic()
    after = moved - ended
    server.settle()
    return Cost(
        database=name,
        cells=cells,
        device_seconds=job.device_seconds,
        wall=used["wall"],
        client_cpu=used["cpu"],
        server_cpu=server.cpu() - cpu,
        database_cpu=database.cpu() - database_cpu if database else None,
        peak_memory=used["peak_memory"],
        recorded_at_end=at_end / wanted,
        recorded_after=after if found >= wanted else None,
        recorded=found / wanted,
    )


def _recorded(server: Server) -> int:
    """Return the number of task runs that the server shows as completed."""
    wanted = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    return int(server.ask("/task_runs/count", wanted))


def _ms(seconds: float, cost: Cost) -> str:
    return f"{seconds / cost.cells * 1000:.0f}"


_COLUMNS: tuple[tuple[str, Callable[[Cost], str]], ...] = (
    ("database", lambda cost: cost.database),
    ("cells", lambda cost: f"{cost.cells:,}"),
    ("on its device, s", lambda cost: f"{cost.device_seconds:g}"),
    ("wall, ms a cell", lambda cost: _ms(cost.wall, cost)),
    ("client's CPU, ms a cell", lambda cost: _ms(cost.client_cpu, cost)),
    ("server's", lambda cost: _ms(cost.server_cpu, cost)),
    ("database's", lambda cost: "" if cost.database_cpu is None else _ms(cost.database_cpu, cost)),
    ("client's peak RSS, MiB", lambda cost: f"{cost.peak_memory / _MIB:.0f}"),
    ("recorded at the end", lambda cost: f"{cost.recorded_at_end:.0%}"),
    (
        "all recorded after, s",
        lambda cost: (
            f"{1 - cost.recorded:.0%} lost" if cost.recorded_after is None else f"{cost.recorded_after:.1f}"
        ),
    ),
)


def _table(costs: list[Cost]) -> Table:
    title = (
        f"Orchestration only, no tools; {_SLOTS} host slots, {_DEVICES} devices for each of {len(SOCS)} SoCs"
    )
    shown = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for name, _ in _COLUMNS:
        shown.add_column(name, justify="left" if name == "database" else "right")
    for cost in costs:
        shown.add_row(*(cell(cost) for _, cell in _COLUMNS))
    return shown
