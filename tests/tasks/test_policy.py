"""The failure table decides which tasks Prefect retries."""

from __future__ import annotations

import logging
from uuid import uuid4

import pytest
from prefect import task
from prefect.client.schemas.objects import TaskRun
from prefect.states import Completed, Failed

from qhas.failures import FACTS, Again, FailureKind, Step, StepFailed
from tasks.policy import STEP, worth_retrying


@task
async def step() -> None:
    """Stand in for any step."""


def run_number(count: int) -> TaskRun:
    return TaskRun(task_key="step", dynamic_key=str(uuid4()), run_count=count)


@pytest.mark.parametrize("kind", FailureKind)
async def test_a_typed_failure_is_tried_as_often_as_its_row_says(kind: FailureKind) -> None:
    failed = Failed(data=StepFailed(kind, Step.PREPARE, "x"))
    again = [await worth_retrying(step, run_number(count), failed) for count in range(1, 6)]
    here = FACTS[kind].again is Again.HERE
    assert again == [here and count < FACTS[kind].attempts for count in range(1, 6)]


async def test_an_untyped_error_is_a_fault_of_ours_and_not_tried_again() -> None:
    assert not await worth_retrying(step, run_number(1), Failed(data=ValueError("x")))


async def test_what_did_not_fail_is_not_tried_again() -> None:
    assert not await worth_retrying(step, run_number(1), Completed(data=None))


def test_prefect_allows_as_many_tries_as_the_most_patient_row() -> None:
    assert STEP["retries"] + 1 == max(facts.attempts for facts in FACTS.values())


@pytest.mark.parametrize(
    ("level", "line", "kept"),
    [
        (logging.INFO, "Finished in state Completed()", False),
        (logging.ERROR, "Finished in state Failed('Task run encountered an exception')", True),
        (logging.INFO, "Task run failed with exception: x - Retry 1/2 will start immediately", True),
        (logging.INFO, "Made sample network tiny.onnx.", True),
    ],
)
def test_a_task_runs_log_does_not_say_again_that_it_completed(
    level: int, line: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, lines = logging.getLogger("prefect.task_runs"), list[str]()
    listener = logging.Handler()
    monkeypatch.setattr(listener, "emit", lambda record: lines.append(record.getMessage()))
    monkeypatch.setattr(logger, "handlers", [listener])
    logger.handle(logger.makeRecord(logger.name, level, __file__, 1, line, (), None))
    assert lines == [line] * kept
