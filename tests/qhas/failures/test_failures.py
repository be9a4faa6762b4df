"""The vocabulary of failures is closed and explained, and alone decides what is retried."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qhas.failures import (
    FACTS,
    MAX_ATTEMPTS,
    Again,
    FailureFacts,
    FailureKind,
    InvalidInput,
    Step,
    StepFailed,
    worth_another_attempt,
    worth_another_device,
)


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_is_explained_with_a_next_step(kind: FailureKind) -> None:
    facts = FACTS[kind]
    assert facts.meaning.endswith(".")
    assert facts.hint.endswith(".")
    assert 1 <= facts.attempts <= 3


def test_no_fact_is_without_its_kind() -> None:
    assert set(FACTS) == set(FailureKind)


@pytest.mark.parametrize("kind", FailureKind)
def test_a_step_is_tried_as_often_as_the_table_says(kind: FailureKind) -> None:
    error = StepFailed(kind, Step.PREPARE, "message")
    tries = 1
    while worth_another_attempt(error, tries) or worth_another_device(error, tries):
        tries += 1
    assert tries == FACTS[kind].attempts
    assert tries <= MAX_ATTEMPTS


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.MODEL_REJECTED,
        FailureKind.SOC_REJECTED,
        FailureKind.TOOL_MISSING,
        FailureKind.SCHEMATIC_AMBIGUOUS,
        FailureKind.INPUT_UNREADABLE,
        FailureKind.INPUT_REJECTED,
        FailureKind.PREPARED_ONLINE,
        FailureKind.INTERNAL,
    ],
)
def test_what_another_try_cannot_mend_is_tried_once(kind: FailureKind) -> None:
    assert not worth_another_attempt(StepFailed(kind, Step.NET_RUN, "message"), 1)


@pytest.mark.parametrize(
    "kind",
    [FailureKind.TOOL_KILLED, FailureKind.TOOL_CRASHED, FailureKind.TOOL_TIMED_OUT, FailureKind.STORE],
)
def test_what_may_pass_is_tried_again(kind: FailureKind) -> None:
    assert worth_another_attempt(StepFailed(kind, Step.NET_RUN, "message"), 1)


@pytest.mark.parametrize(
    "error", [None, ValueError("ours"), InvalidInput("theirs"), asyncio.CancelledError(), KeyboardInterrupt()]
)
def test_what_is_no_typed_failure_is_never_tried_again(error: BaseException | None) -> None:
    assert not worth_another_attempt(error, 0)


def test_a_failed_step_carries_kind_evidence_and_hint() -> None:
    error = StepFailed(FailureKind.LOG_EMPTY, Step.NET_RUN, "x.log is empty.", "last line")
    failure = error.failure
    assert str(error) == failure.message == "x.log is empty."
    assert (failure.kind, failure.step, failure.evidence) == (
        FailureKind.LOG_EMPTY,
        Step.NET_RUN,
        "last line",
    )
    assert failure.hint == FACTS[FailureKind.LOG_EMPTY].hint


def tries(facts: FailureFacts) -> str:
    """The number of tries as the page states it."""
    if facts.attempts == 1:
        return "1"
    return f"{facts.attempts}, {facts.again}, after {facts.delay_seconds:g} s"


@pytest.mark.parametrize("kind", FailureKind)
def test_a_failure_is_tried_again_in_one_place_only(kind: FailureKind) -> None:
    error = StepFailed(kind, Step.NET_RUN, "message")
    assert not (worth_another_attempt(error, 1) and worth_another_device(error, 1))


def test_what_blames_the_device_is_tried_on_another_one() -> None:
    assert all(facts.again is Again.ELSEWHERE for facts in FACTS.values() if facts.blames_device)


def test_the_page_of_failures_lists_every_kind_as_the_table_has_it() -> None:
    page = (Path(__file__).parents[3] / "docs" / "failures.md").read_text(encoding="utf-8")
    rows = [
        f"| `{kind}` | {facts.meaning} | {facts.hint} | {tries(facts)} |" for kind, facts in FACTS.items()
    ]
    assert [line for line in page.splitlines() if line.startswith("| `")] == rows
