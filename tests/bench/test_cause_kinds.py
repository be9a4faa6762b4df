"""Changes of every kind, compiled for real: the true cause comes first, and nothing false is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cause_kinds import TRIALS, Trial
from bench.cause_trials import verdicts_of

QUICK = ("dilation of one", "one put in, numbered", "numbers permuted", "every default to the same")
pytestmark = [pytest.mark.hostsdk, pytest.mark.slow, pytest.mark.timeout(1800)]


def _named(*names: str) -> list[Trial]:
    return [trial for trial in TRIALS if trial.name in names]


def test_a_few_of_each_are_told_as_they_are(tmp_path: Path) -> None:
    for verdict in verdicts_of(tmp_path, _named(*QUICK)):
        assert verdict.right, (verdict.trial, verdict.sentence, verdict.wrong)
        assert not verdict.untold


def test_of_all_kinds_the_true_cause_is_first_in_nineteen_of_twenty_and_nothing_is_false(
    tmp_path: Path,
) -> None:
    verdicts = verdicts_of(tmp_path)
    assert sum(verdict.first for verdict in verdicts) >= 0.95 * len(verdicts)
    assert not [(verdict.trial, verdict.wrong) for verdict in verdicts if verdict.wrong]


def test_trials_have_names_of_their_own_and_most_are_of_other_kinds_than_options() -> None:
    assert len({trial.name for trial in TRIALS}) == len(TRIALS)
