"""The steps of a cell as tasks, for `qhas.cell.sequence`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from prefect import task

from qhas.cell.sequence import ONCE, Steps
from tasks.policy import STEP

P = ParamSpec("P")
T = TypeVar("T")


def as_tasks(steps: Steps) -> Steps:
    """These steps, each call a task run named after step and cell."""
    return Steps(
        convert=_task("convert", steps.convert),
        quantize=_task("quantize", steps.quantize),
        prepare_graph=_task("graph-prepare", steps.prepare_graph),
        ready_device=_task("ready-device", steps.ready_device),
        measure_latency=_task("latency", steps.measure_latency),
        net_run=_task("net-run", steps.net_run),
        collect_logs=_task("collect-logs", steps.collect_logs),
        generate_chrometrace=_task("chrometrace", steps.generate_chrometrace),
        publish_cell=_task("publish", steps.publish_cell),
    )


def _task(name: str, step: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    return task(name=name, task_run_name=f"{name} {{work.cell.label}}", **STEP)(step)


TASKS = as_tasks(ONCE)
