"""Events that a run reports to listeners in the same process while it runs."""

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
    """The cells of a run are known: how many there are, and how many an earlier try finished."""

    run_id: str
    cells: int
    done: int


@dataclass(frozen=True)
class RunWaiting:
    """The run does not start yet: another process may still be running it."""

    reason: str


@dataclass(frozen=True)
class StepStarted:
    """A step of a cell starts."""

    cell: Cell
    step: Step
    attempt: int


@dataclass(frozen=True)
class Waiting:
    """A cell waits for a device, or for another host that makes what it needs: who has it, what it is not yet fit for."""

    cell: Cell
    reason: str


@dataclass(frozen=True)
class CellFinished:
    """A cell is published, complete or failed."""

    record: CellRecord


@dataclass(frozen=True)
class MeasuringAgain:
    """The run has ended; the latencies of these cells look suspicious and are measured once more."""

    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Trouble:
    """Something went wrong with a cell that its record alone does not show; `error` is set if the fault is ours."""

    cell: Cell
    message: str
    error: Exception | None = None


@dataclass(frozen=True)
class DeviceQuarantined:
    """A device is quarantined from now on."""

    device: str
    soc: str
    facts: Quarantined


@dataclass(frozen=True)
class SiteChanged:
    """The flow run of a site, in a sweep over several, has changed its state in Prefect."""

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
    """Receive the events of runs started inside the block, in addition to existing listeners."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)


def is_heard() -> bool:
    """Whether there is any listener."""
    return bool(_listeners.get())


def report(event: Event) -> None:
    """Pass the event to every listener."""
    for listener in _listeners.get():
        listener(event)
