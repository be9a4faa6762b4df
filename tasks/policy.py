"""How every step's task is run: the table in `qhas.failures.failure` decides which failures are tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from qhas.failures import MAX_ATTEMPTS, worth_another_attempt

P = ParamSpec("P")
R = TypeVar("R")


async def worth_retrying(_task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Consult the failure table. Anything that is not a typed failure is a bug of ours and not tried again."""
    error = await state.aresult(raise_on_failure=False) if state.is_failed() else None
    return worth_another_attempt(error if isinstance(error, BaseException) else None, run.run_count)


# No tags: Prefect requests a slot from the server before every task that has one, while a leased device waits.
# The delay before another attempt depends on the failure, so the attempt itself waits for it. Results are artifacts in
# the store, never Prefect results; parameters hold live objects and are not hashed.
STEP: dict[str, Any] = {
    "retries": MAX_ATTEMPTS - 1,
    "retry_condition_fn": worth_retrying,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}


def is_more_than_completion(record: logging.LogRecord) -> bool:
    """Whether a line of a task run's log says more than its state, which shows completion: a sweep has thousands."""
    return record.levelno > logging.INFO or not str(record.msg).startswith("Finished in state Completed")


logging.getLogger("prefect.task_runs").addFilter(is_more_than_completion)


class StepTask(Task[P, R]):
    """A task whose arguments are quoted, so that Prefect does not search them for futures.

    If they hold the records of a run, the search takes longer than the task itself.
    """

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # type: ignore[override]
        """Run the task, called like the function that it wraps."""
        run: Callable[..., R] = super().__call__
        return run(*map(quote, args), **{parameter: quote(value) for parameter, value in kwargs.items()})


def step(name: str, task_run_name: str | None = None) -> Callable[[Callable[P, R]], StepTask[P, R]]:
    """Make a function a task under this policy; `task_run_name` is a template over its parameters."""
    return lambda work: StepTask(work, name=name, task_run_name=task_run_name, **STEP)
