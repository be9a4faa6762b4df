"""Steps as Prefect's tasks: their overhead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import flow
from prefect.context import TaskRunContext

from qhas.cell.sequence import ONCE
from qhas.profile.origin import Origin
from tasks.policy import step
from tasks.steps import as_tasks

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.usefixtures("prefect_server")]


class Watched(tuple[int, ...]):
    """A collection that counts how often its items are iterated over."""

    looks = 0

    def __iter__(self) -> Iterator[int]:
        Watched.looks += 1
        return super().__iter__()


@step("count", "count {numbers[1]}")
async def count(numbers: Watched, *, again: Watched) -> int:
    """Count without iterating over an argument."""
    assert numbers is again
    return len(numbers)


@flow
async def counting(numbers: Watched) -> int:
    """Run only the step."""
    return await count(numbers, again=numbers)


async def test_prefect_does_not_search_what_a_step_is_given() -> None:
    numbers = Watched((1, 2, 3))
    flow_alone = flow(lambda numbers: len(numbers))
    flow_alone(numbers)
    looks_of_a_flow, Watched.looks = Watched.looks, 0
    assert await counting(numbers) == 3
    assert Watched.looks == looks_of_a_flow


async def _task_run_of(work: Any, _run: Any, _device: Any) -> Any:
    context = TaskRunContext.get()
    return context and context.task_run.name


@pytest.mark.parametrize(
    ("origin", "name"), [(Origin.DEVICE, "collect-logs net on soc"), (Origin.SIMULATOR, None)]
)
async def test_logs_are_collected_in_a_task_run_where_they_are_on_a_device(
    origin: Origin, name: str | None
) -> None:
    steps = as_tasks(replace(ONCE, collect_logs=_task_run_of))
    work, device = SimpleNamespace(cell=SimpleNamespace(label="net on soc")), SimpleNamespace(origin=origin)

    @flow
    async def collecting() -> Any:
        return await steps.collect_logs(work, None, device)  # type: ignore[arg-type]

    assert await collecting() == name
