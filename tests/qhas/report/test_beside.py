"""A process beside this one answers each question to whoever asked it, in order and however many ask at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from qhas.report.beside import Beside, started_beside

_BEGIN = "import os, sys; from qhas.report.beside import answer, receive; pipes = sys.stdin.buffer, sys.stdout.buffer; "
SQUARES = _BEGIN + "answer(lambda number: number ** 2, *pipes)"
ECHOES = _BEGIN + "told = receive(pipes[0]); answer(lambda text: told + text, *pipes)"
DIES_OF_THREE = _BEGIN + "answer(lambda number: os._exit(1) if number == 3 else number, *pipes)"


def asked_at_once(beside: Beside, questions: range) -> list[object]:
    def answer_to(question: int) -> object:
        try:
            return beside.ask(question)
        except (EOFError, OSError):
            return None

    with ThreadPoolExecutor(8) as threads:
        return [*threads.map(answer_to, questions)]


def test_everybody_gets_the_answer_to_the_own_question() -> None:
    with started_beside(SQUARES) as beside:
        assert asked_at_once(beside, range(200)) == [number**2 for number in range(200)]


def test_what_is_told_is_known_before_the_first_question_however_long_both_are() -> None:
    told, question = b"t" * 3_000_000, b"q" * 3_000_000
    with started_beside(ECHOES) as beside:
        beside.send(told)
        assert beside.ask(question) == told + question
        assert beside.ask(b"!") == told + b"!"


def test_nobody_gets_the_answer_to_another_question_when_it_dies() -> None:
    with started_beside(DIES_OF_THREE) as beside:
        answers = asked_at_once(beside, range(40))
        with pytest.raises((EOFError, OSError)):
            beside.ask(1)
    assert answers[3] is None
    assert all(answer in (None, question) for question, answer in enumerate(answers))


def test_ctrl_c_in_the_terminal_is_not_for_it() -> None:
    parent = """
import os, signal
from qhas.report.beside import started_beside
signal.signal(signal.SIGINT, lambda *_: None)
with started_beside(SQUARES) as beside:
    beside.ask(2)
    os.killpg(0, signal.SIGINT)  # as a terminal does
    print(beside.ask(3))
"""
    program = f"SQUARES = {SQUARES!r}\n{parent}"
    ended = subprocess.run(
        [sys.executable, "-c", program], start_new_session=True, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("9\n", "")


def test_it_ends_with_the_block() -> None:
    with started_beside(SQUARES) as beside:
        assert beside.ask(3) == 9
    with pytest.raises((EOFError, OSError, ValueError)):
        beside.ask(3)
