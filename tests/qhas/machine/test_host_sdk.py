"""The host SDK is queried as a program, once per question, possibly before the answer is needed."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from qhas.machine import host_sdk


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The questions that programs were started with."""
    questions: list[list[str]] = []
    start = subprocess.Popen

    def noted(command: list[str], **options: Any) -> Any:
        questions.append(command[3:])
        return start(command, **options)

    monkeypatch.setattr("qhas.machine.host_sdk.subprocess.Popen", noted)
    return questions


def test_what_was_asked_ahead_is_not_asked_again(started: list[list[str]]) -> None:
    host_sdk.ask("socs", "sa8255")
    answer = host_sdk.answer_of("socs", "sa8255")
    assert [line.split("\t")[0] for line in answer.lines] == ["sa8255"]
    assert started == [["socs", "sa8255"]]


def test_another_question_is_asked_by_itself(started: list[list[str]]) -> None:
    host_sdk.ask("socs", "sa8255")
    assert "sm8750" in host_sdk.answer_of("socs", "sm8751").complaint
    assert started == [["socs", "sa8255"], ["socs", "sm8751"]]
    assert host_sdk.answer_of("socs", "sa8255").lines


def test_a_question_that_is_asked_ahead_and_refused_tells_when_it_is_needed(started: list[list[str]]) -> None:
    host_sdk.ask("socs", "sm8751")
    answer = host_sdk.answer_of("socs", "sm8751")
    assert answer.lines == []
    assert "unknown SoC" in answer.complaint
    assert len(started) == 1


def test_an_interpreter_that_is_gone_is_told_when_the_answer_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("qhas.machine.host_sdk.sys.executable", "/nowhere/python")
    host_sdk.ask("root")
    assert "cannot be used on this machine" in host_sdk.answer_of("root").complaint


def test_who_does_not_answer_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qhas.machine.host_sdk._SECONDS", 0)
    host_sdk.ask("root")
    asked = host_sdk._asked[("root",)]
    assert "timed out" in host_sdk.answer_of("root").complaint
    assert asked.returncode is not None
