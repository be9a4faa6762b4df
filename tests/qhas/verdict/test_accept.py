"""Later nights are compared with a level that has been accepted, as if it had always been the level."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qhas.history import append
from qhas.profile.figures import DRAM_READ, FORMAT_CHANGES, LATENCY, Figure
from qhas.runs.accepted import Acceptance, Withdrawal
from qhas.runs.record import CellRecord
from qhas.store import Store
from qhas.verdict import CellVerdict, Verdict
from qhas.verdict.judge import judge_run
from tests.qhas.nights import day, on_phone, run_of, simulated, wobbling

LATE = 1080.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def phone(night: int, *, slow_from: int = 15) -> CellRecord:
    return on_phone(night, wobbling(night, LATE if night >= slow_from else 1000.0))


def compiled(night: int, *, more_from: int = 15) -> CellRecord:
    return simulated(night, figures={"format_changes": 4 if night >= more_from else 2})


def accept(store: Store, cell: CellRecord, night: int, **changes: Any) -> None:
    run = run_of(night)
    one = Acceptance(
        sweep=run.spec.name,
        run_id=run.run_id,
        cell=cell.cell.key,
        night=day(night),
        by="ana",
        at=datetime(2026, 4, 1, tzinfo=UTC),
        reason="the new kernel is to be so",
        **changes,
    )
    store.write(one.key, one.model_dump_json().encode())


def judged(store: Store, night: int, *cells: CellRecord) -> list[CellVerdict]:
    return judge_run(store, run_of(night), cells)


def of(verdicts: list[CellVerdict], metric: Figure) -> CellVerdict:
    return next(one for one in verdicts if one.metric is metric)


def put(store: Store, until: int, make: Any) -> None:
    for night in range(until):
        append(store, run_of(night), [make(night)])


def test_an_exact_figure_is_steady_after_the_night_on_which_it_was_accepted(store: Store) -> None:
    put(store, 17, compiled)
    assert of(judged(store, 17, compiled(17)), FORMAT_CHANGES).verdict is Verdict.SUSTAINED
    accept(store, compiled(15), 15)
    told = of(judged(store, 15, compiled(15)), FORMAT_CHANGES)
    assert told.verdict is Verdict.ACCEPTED
    assert "accepted by ana on 2026-04-01: the new kernel is to be so" in told.sentence
    later = of(judged(store, 17, compiled(17)), FORMAT_CHANGES)
    assert (later.verdict, later.baseline) == (Verdict.STEADY, 4)


def test_figures_of_the_night_that_did_not_change_say_so_as_before(store: Store) -> None:
    put(store, 15, compiled)
    accept(store, compiled(15), 15)
    assert of(judged(store, 15, compiled(15)), DRAM_READ).verdict is Verdict.STEADY


def test_a_noisy_figure_has_its_new_level_at_once_and_keeps_its_noise(store: Store) -> None:
    put(store, 18, phone)
    assert of(judged(store, 18, phone(18)), LATENCY).verdict is Verdict.SUSTAINED
    accept(store, phone(16), 16)
    later = of(judged(store, 18, phone(18)), LATENCY)
    assert later.verdict is Verdict.STEADY
    assert later.baseline == pytest.approx(LATE, rel=0.01)
    assert "nights vary by" in later.sentence


def test_a_suspicion_may_be_accepted_before_it_is_confirmed(store: Store) -> None:
    put(store, 15, phone)
    assert of(judged(store, 15, phone(15)), LATENCY).verdict is Verdict.SUSPICIOUS
    accept(store, phone(15), 15)
    assert of(judged(store, 15, phone(15)), LATENCY).verdict is Verdict.ACCEPTED
    later = of(judged(store, 16, phone(16)), LATENCY)
    assert later.verdict is Verdict.STEADY
    assert later.baseline == pytest.approx(LATE, rel=0.02)


def test_what_gets_worse_beyond_the_accepted_level_is_told_against_it(store: Store) -> None:
    put(store, 19, phone)
    accept(store, phone(16), 16)
    told = of(judged(store, 19, on_phone(19, 1200.0)), LATENCY)
    assert told.verdict is Verdict.SUSPICIOUS
    assert told.baseline == pytest.approx(LATE, rel=0.02)


def test_what_is_taken_back_counts_no_more(store: Store) -> None:
    put(store, 17, compiled)
    accept(store, compiled(15), 15, withdrawn=Withdrawal(by="ben", at=datetime(2026, 4, 2, tzinfo=UTC)))
    assert of(judged(store, 17, compiled(17)), FORMAT_CHANGES).verdict is Verdict.SUSTAINED


def test_another_cell_and_another_sweep_are_judged_as_before(store: Store) -> None:
    put(store, 17, compiled)
    accept(store, simulated(15, "other"), 15)
    assert of(judged(store, 17, compiled(17)), FORMAT_CHANGES).verdict is Verdict.SUSTAINED
