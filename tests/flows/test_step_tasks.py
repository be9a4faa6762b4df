"""Steps as Prefect's tasks: what they cost beside their work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect import flow

from tasks.policy import step

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.usefixtures("prefect_server")]


class Watched(tuple[int, ...]):
    """A collection that counts how often somebody looked at what it holds."""

    looks = 0

    def __iter__(self) -> Iterator[int]:
        Watched.looks += 1
        return super().__iter__()


@step("count", "count {numbers[1]}")
async def count(numbers: Watched, *, again: Watched) -> int:
    """Looks at none of its arguments."""
    assert numbers is again
    return len(numbers)


@flow
async def counting(numbers: Watched) -> int:
    """Nothing but the step."""
    return await count(numbers, again=numbers)


async def test_prefect_does_not_search_what_a_step_is_given() -> None:
    numbers = Watched((1, 2, 3))
    flow_alone = flow(lambda numbers: len(numbers))
    flow_alone(numbers)
    looks_of_a_flow, Watched.looks = Watched.looks, 0
    assert await counting(numbers) == 3
    assert Watched.looks == looks_of_a_flow
