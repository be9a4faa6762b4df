"""The steps of a cell as tasks, for `qhas.cell.sequence`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from qhas.cell.net_run import ProfiledRun
from qhas.cell.sequence import DIRECT, ONCE, Steps, retried
from qhas.cell.work import CellWork
from qhas.devices import Device
from qhas.profile.origin import Origin
from tasks.policy import step as as_step

P = ParamSpec("P")
T = TypeVar("T")


def as_tasks(steps: Steps) -> Steps:
    """Make each step's calls task runs named after step and cell, except for what is not real work on a simulator."""
    return _without_pulls_of_simulators(steps.each(_task), retried(steps))


def _without_pulls_of_simulators(tasks: Steps, plain: Steps) -> Steps:
    """Collect a simulator's logs without a task: they are on this host, and a task run would cost more."""

    async def collect_logs(work: CellWork, run: ProfiledRun, device: Device) -> Path:
        steps = tasks if device.origin is Origin.DEVICE else plain
        return await steps.collect_logs(work, run, device)

    return replace(tasks, collect_logs=collect_logs)


def _task(name: str, step: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    return as_step(name, f"{name} {{work.cell.label}}")(step)


OF_DEVICES = ONCE.each(_task)
"""Every step as a task, for cells on devices."""
TASKS = _without_pulls_of_simulators(OF_DEVICES, DIRECT)
"""The steps for cells wherever they run."""
