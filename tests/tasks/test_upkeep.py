"""Upkeep runs as tasks, under the same policy as all others."""

from __future__ import annotations

from typing import Any

import pytest
from prefect import Task

from tasks import upkeep
from tasks.policy import STEP


@pytest.mark.parametrize(
    "task",
    [upkeep.examine, upkeep.plan_pruning, upkeep.prune, upkeep.compact_history, upkeep.verify],
    ids=lambda it: it.name,
)
def test_upkeep_is_a_task_that_is_tried_again_as_the_failure_table_says(task: Task[Any, Any]) -> None:
    assert isinstance(task, Task)
    assert (task.retries, task.retry_condition_fn) == (STEP["retries"], STEP["retry_condition_fn"])
