"""A report and a night's verdicts cost what was recorded, in millions of additions of a bare loop on the same core."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import pytest

from bench.history import fill, night, sweep_cells
from bench.report import two_nights
from qhas.report.publish import publish_report
from qhas.store import Store
from qhas.verdict.judge import judge_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
_MILLIONS, _ROUNDS = 5, 5
SLACK = 2.0
"""Contention for caches is already part of the recorded figures; an excess by this factor is not a coincidence."""


def test_a_page_that_is_compared_costs_what_was_recorded(tmp_path: Path) -> None:
    store, run, cells = two_nights(tmp_path, networks=3)
    publish_report(store, run, cells[:1])  # warms up the templates and the script shared by all reports
    assert in_millions(lambda: publish_report(store, run, cells)) / len(cells) < SLACK * 1.6


def test_the_verdicts_of_a_night_cost_what_was_recorded(tmp_path: Path) -> None:
    store, cells, today = Store(str(tmp_path)), sweep_cells()[:60], datetime.now(UTC).date()
    fill(store, cells, today - timedelta(days=160), 160)
    judge_run(store, night(today, "first"), cells)
    assert in_millions(lambda: judge_run(store, night(today, "second"), cells)) / len(cells) < SLACK * 1.1


def in_millions(work: Callable[[], object]) -> float:
    """Return the CPU time of the work in units of a million additions beside it: the minimum of several rounds."""
    return _MILLIONS * min(_seconds(work) / _seconds(_add) for _ in range(_ROUNDS))


def _seconds(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def _add() -> None:
    total = 0
    for number in range(_MILLIONS * 1_000_000):
        total += number
