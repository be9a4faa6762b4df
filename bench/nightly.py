"""The same sweep twice on one store, each in a fresh process: the second nightly prepares nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.cases import Case, fixed_durations
from bench.contest import AT_ONCE
from bench.failure import BenchFailed
from bench.figures import Spread
from bench.fresh import in_a_fresh_process
from bench.job import Job
from bench.outcome import Outcome, published_outcome
from bench.server import Server, prefect_server
from bench.size import Size
from fakes.sdk import Tool, read_calls

_NETWORKS = {Size.QUICK: 2, Size.NORMAL: 6, Size.FULL: 24}
_ROUNDS = {Size.QUICK: 1, Size.NORMAL: 3, Size.FULL: 3}


class NightlyInvalid(BenchFailed):
    """The second sweep prepared something, or has different figures from the first. The message says which."""


@dataclass(frozen=True)
class Night:
    """One sweep: seconds of wall time and of all its tools, and how often graph-prepare was called."""

    wall: float
    tools: float
    prepares: int


@dataclass(frozen=True)
class Round:
    """A sweep on an empty store, and the same sweep again."""

    cold: Night
    warm: Night


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure the two sweeps. Raises ContenderFailed, NightlyInvalid, OutcomeInvalid and ServerFailed."""
    case = fixed_durations(folder, networks=_NETWORKS[size], rounds=_ROUNDS[size])
    with prefect_server(folder) as server:
        server.settle()
        _night(case.small(), folder / "warm-up", "first", server)
        rounds = list(_rounds(case, folder, server))
    console.print(_table(case, rounds))
    return {"cells": case.cells, "what": case.name, "rounds": [asdict(round_) for round_ in rounds]}


def _rounds(case: Case, folder: Path, server: Server) -> Iterator[Round]:
    for number in range(case.rounds):
        place = folder / f"round{number}"
        cold, first = _night(case, place, "first", server)
        warm, second = _night(case, place, "second", server)
        if warm.prepares:
            raise NightlyInvalid(f"the second sweep prepared {warm.prepares} graphs")
        require_equal_traces(first, second)
        yield Round(cold, warm)


def _night(case: Case, place: Path, run_id: str, server: Server) -> tuple[Night, Outcome]:
    place.mkdir(exist_ok=True)
    job = Job(str(case.sdk), case.networks, case.socs, str(place), AT_ONCE, run_id=run_id)
    before = len(read_calls(case.sdk, Tool.PREPARE))
    used = in_a_fresh_process("bench.flow", job, server.environment)
    server.settle()
    prepares = len(read_calls(case.sdk, Tool.PREPARE)) - before
    outcome = published_outcome(job)
    tools = sum(cell.seconds for cell in outcome.values())
    return Night(used["wall"], tools, prepares), outcome


def require_equal_traces(first: Outcome, second: Outcome) -> None:
    """Raise NightlyInvalid unless both sweeps have the same cells with the same figures."""
    if first.keys() != second.keys():
        raise NightlyInvalid("the second sweep's cells differ from the first's")
    for key, cell in first.items():
        if (cell.trace, cell.metrics) != (second[key].trace, second[key].metrics):
            raise NightlyInvalid(f"the second sweep's figures for {key} differ from the first's")


_ROWS: tuple[tuple[str, Callable[[Night], float], str], ...] = (
    ("wall, s", lambda night: night.wall, ".2f"),
    ("tools, s", lambda night: night.tools, ".2f"),
    ("graph-prepare called", lambda night: night.prepares, ".0f"),
)


def _table(case: Case, rounds: list[Round]) -> Table:
    title = f"{case.cells} cells ({case.name}), {case.rounds} rounds: minimum/median/maximum"
    shown = Table("", "first", "second", "second / first", title=title, title_justify="left", box=SIMPLE)
    for name, value, form in _ROWS:
        pairs = [(value(round_.cold), value(round_.warm)) for round_ in rounds]
        ratios = [warm / cold for cold, warm in pairs]
        columns = zip((*zip(*pairs, strict=True), ratios), (form, form, ".2f"), strict=True)
        shown.add_row(name, *(_three(Spread.of(values), digits) for values, digits in columns))
    return shown


def _three(spread: Spread, form: str) -> str:
    return "/".join(f"{value:{form}}" for value in (spread.low, spread.middle, spread.high))
