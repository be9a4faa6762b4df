"""A sweep that is killed again and again, and what was in progress each time.

A cell in progress has a directory in its sweep's scratch space, from its start until after its record is stored.
A killed sweep leaves these behind: they are the cells in flight, and their files show how far each had got.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.resilience.lab import SweepLab, ended_with_us, kill_group
from bench.resilience.reader import Folder, Reading, read_run
from fakes.sdk import Call, Tool, read_calls
from fakes.sdk.toolchain.container import ContainerError, Dlc

RUN = "killed"
_SHARE_WHILE_STARTING = 0.2
_START_SECONDS = 3.0
_AFTER_SECONDS = 0.25
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class InFlight:
    """A cell in progress when its sweep died. `cell` is its key, or None if it had no network yet."""

    directory: Path
    cell: str | None
    ran: frozenset[str]
    """Steps whose tool had been started."""


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: when, what was in progress, which tools survived, and what the store showed right after it."""

    seconds: float
    """Since the process started."""
    moment: float
    """Since the epoch."""
    in_flight: tuple[InFlight, ...]
    tools_alive: frozenset[int]
    reading: Reading

    @property
    def lost(self) -> list[InFlight]:
        """Cells in flight that had no record yet: they must run again."""
        return [cell for cell in self.in_flight if cell.cell not in self.reading.complete]


@dataclass
class Outcome:
    """All kills of a run, and how it finished."""

    kills: list[Kill] = field(default_factory=list)
    exit_code: int = -1
    end: Reading = field(default_factory=Reading)
    seconds: float = 0.0

    @property
    def lost_by_cell(self) -> Counter[str]:
        """How often each cell was in flight without a record when its sweep died."""
        return Counter(cell.cell for kill in self.kills for cell in kill.lost if cell.cell)


def kill_and_resume(lab: SweepLab, kills: int, seed: int) -> Outcome:
    """Start the sweep and kill it at a random moment, repeatedly; then let it run to completion.

    A fifth of the moments are between the start and the first cell. The others come a random time after a random
    number of further cells, so that they are spread over the whole sweep however fast it is. The killing stops early
    if a sweep finishes before its kill.
    """
    dice, outcome = random.Random(seed), Outcome()
    began = time.monotonic()
    for number in range(kills):
        left = len(lab.cells) - (len(outcome.kills[-1].reading.complete) if outcome.kills else 0)
        moment = _Moment(
            while_starting=dice.random() < _SHARE_WHILE_STARTING or not left,
            cells=int(dice.random() * left / (kills - number + 1)),
            seconds=dice.random(),
        )
        if (kill := _strike(lab, moment)) is None:
            break
        outcome.kills.append(kill)
    outcome.exit_code = lab.run(RUN)
    outcome.seconds = time.monotonic() - began
    outcome.end = read_run(Folder(lab.folder / "store"), RUN)
    return outcome


@dataclass(frozen=True)
class _Moment:
    """When to strike: while the sweep starts, or once its cells have begun and `cells` more are complete.

    `seconds`, from 0 to 1, is the share of the longest delay to wait beyond that.
    """

    while_starting: bool
    cells: int
    seconds: float


def _strike(lab: SweepLab, moment: _Moment) -> Kill | None:
    """Start a sweep and kill it by SIGKILL; return None if it finished before."""
    known, complete, began = set(lab.left_scratch()), _complete(lab), time.monotonic()
    with ended_with_us(lab.start(RUN)) as process:
        if not moment.while_starting:
            while process.poll() is None and not (
                any(_cell_directories(lab, known)) and _complete(lab) >= complete + moment.cells
            ):
                time.sleep(_LOOK_SECONDS)
        time.sleep(moment.seconds * (_START_SECONDS if moment.while_starting else _AFTER_SECONDS))
        if process.poll() is not None:
            return None
        kill_group(process)
        seconds, now = time.monotonic() - began, time.time()
    tools = frozenset(lab.tools_alive())
    reading = read_run(Folder(lab.folder / "store"), RUN)
    in_flight = tuple(_in_flight(lab, directory) for directory in _cell_directories(lab, known))
    return Kill(seconds, now, in_flight, tools, reading)


def _complete(lab: SweepLab) -> int:
    return sum(1 for _ in (lab.folder / "store" / "runs" / RUN).glob("*/*/*/manifest.json"))


def _cell_directories(lab: SweepLab, known: set[Path]) -> Iterator[Path]:
    for scratch in lab.left_scratch():
        if scratch not in known:
            yield from sorted(scratch.glob("cell-*"))


def _in_flight(lab: SweepLab, directory: Path) -> InFlight:
    ran = frozenset(path.name.partition("-")[0] for path in directory.glob("*.txt"))
    return InFlight(directory, _cell_of(lab, directory), ran)


def _cell_of(lab: SweepLab, directory: Path) -> str | None:
    """Find the cell from its prepared graph or, before there is one, from the arguments of graph-prepare."""
    for dlc in directory.glob("prepare-*/prepared.dlc"):
        with suppress(ContainerError, ValueError):
            found = Dlc.from_bytes(dlc.read_bytes())
            if found.caches:
                return f"{found.model.graph}/{next(iter(found.caches))}/default"
    calls = (call for call in read_calls(lab.sdk, Tool.PREPARE) if call.cwd.parent == directory)
    return next(map(prepared_cell, calls), None)


def prepared_cell(call: Call) -> str:
    """Return the cell that a call of graph-prepare was for."""
    return f"{Path(call.option('input_dlc') or '').stem}/{call.option('htp_socs')}/default"


def calls_by_cell(lab: SweepLab, outcome: Outcome, tool: Tool) -> Counter[str]:
    """Count how often graph-prepare or the viewer was started for each cell, successfully or in vain.

    A viewer's call names its cell's directory, which belongs to the cell that left it behind or has it in its record.
    """
    calls = read_calls(lab.sdk, tool)
    if tool is Tool.PREPARE:
        return Counter(map(prepared_cell, calls))
    owners = {cell.directory: cell.cell for kill in outcome.kills for cell in kill.in_flight}
    for cell, record in outcome.end.records.items():
        for attempt in record["attempts"]:
            for run in attempt["tools"] if attempt["step"] == "chrometrace" else ():
                owners[_directory_in(run["argv"])] = cell
    return Counter(owners.get(_directory_in(call.argv)) or "nobody's" for call in calls)


def _directory_in(argv: tuple[str, ...] | list[str]) -> Path:
    paths = (Path(word.partition("=")[2] or word) for word in argv)  # --config=/...
    return next(parent for path in paths for parent in path.parents if parent.name.startswith("cell-"))
