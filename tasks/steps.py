"""The steps of a cell as tasks, for `qhas.cell.sequence`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from qhas.cell.sequence import ONCE, Steps
from tasks.policy import step as as_step

P = ParamSpec("P")
T = TypeVar("T")


def as_tasks(steps: Steps) -> Steps:
    """These steps, each call a task run named after step and cell."""
    return steps.each(_task)


def _task(name: str, step: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    return as_step(name, f"{name} {{work.cell.label}}")(step)


TASKS = as_tasks(ONCE)
