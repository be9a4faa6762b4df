"""What a run reports while it runs, to whoever listens in the same process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from qhas.devices.quarantine import Quarantined
from qhas.failures import Step
from qhas.runs.record import CellRecord
from qhas.sweep.spec import Cell


@dataclass(frozen=True)
class SweepStarted:
    """The cells of a run are known: how many there are, and how many an earlier try has finished."""

    run_id: str
    cells: int
    done: int


@dataclass(frozen=True)
class RunWaiting:
    """The run does not begin yet: another process may still run it."""

    reason: str


@dataclass(frozen=True)
class StepStarted:
    """A step of a cell begins."""

    cell: Cell
    step: Step
    attempt: int


@dataclass(frozen=True)
class Waiting:
    """A cell waits for a device: who has it, or what it is not yet fit for."""

    cell: Cell
    reason: str


@dataclass(frozen=True)
class CellFinished:
    """A cell is published, complete or failed."""

    record: CellRecord


@dataclass(frozen=True)
class MeasuringAgain:
    """The run has ended; latencies of these cells look suspicious and are taken once more."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Trouble:
    """Something of a cell went wrong that its record alone does not show, with the error if it is a fault of ours."""

    cell: Cell
    message: str
    error: Exception | None = None


@dataclass(frozen=True)
class DeviceQuarantined:
    """A device is quarantined, from now on."""

    device: str
    soc: str
    facts: Quarantined


@dataclass(frozen=True)
class SiteChanged:
    """The flow run of a site, in a sweep over several, has another state in Prefect."""

    site: str
    state: str


Event = (
    RunWaiting
    | SiteChanged
    | SweepStarted
    | StepStarted
    | Waiting
    | CellFinished
    | MeasuringAgain
    | Trouble
    | DeviceQuarantined
)
Listener = Callable[[Event], None]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("qhas_progress", default=())


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Hear the events of runs started inside the block, beside whoever listens already."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def is_heard() -> bool:
    """Whether anybody listens."""
    return bool(_listeners.get())


def report(event: Event) -> None:
    """Tell everybody who listens."""
    for listener in _listeners.get():
        listener(event)
