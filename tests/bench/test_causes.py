"""Known changes, compiled by Qualcomm's compiler and timed by its simulator: the diff names the true cause first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.causes import EXPERIMENTS, Answer, Experiment, answers_of

NETWORK = "squeezenet"
QUICK = {"VTCM 8 to 2 MB", "HVX threads 4 to 2", "optimisation level 3 to 1"}
"""Experiments on one network as published, on one SoC: the three need only four cells."""
pytestmark = [
    pytest.mark.hostsdk,
    pytest.mark.slow,
    pytest.mark.xdist_group("causes"),
]

Ask = Callable[[Experiment], Answer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for networks and store of every experiment here."""
    return tmp_path_factory.mktemp("causes")


@pytest.fixture(scope="module")
def quick(folder: Path) -> dict[str, Answer]:
    """The experiments of the default run, all run together."""
    wanted = [experiment for experiment in EXPERIMENTS if experiment.name in QUICK]
    return {answer.experiment: answer for answer in answers_of(NETWORK, wanted, folder)}


@pytest.fixture(scope="module")
def ask(folder: Path, quick: dict[str, Answer]) -> Ask:
    """Return the answer to any experiment."""
    return lambda experiment: (
        quick.get(experiment.name) or answers_of(NETWORK, [experiment], folder / "more")[0]
    )


each_experiment = pytest.mark.parametrize(
    "experiment",
    [
        pytest.param(one, id=one.name, marks=[] if one.name in QUICK else pytest.mark.slow)
        for one in EXPERIMENTS
    ],
)


@each_experiment
def test_the_true_cause_is_named_first_and_its_parts_add_up(experiment: Experiment, ask: Ask) -> None:
    answer = ask(experiment)
    assert answer.named == experiment.cause, answer.sentence
    assert answer.missing_percent <= 1.0
    assert abs(answer.change_percent) > 1.0
    assert any(part in answer.sentence or "that alone" in answer.sentence for part in answer.carriers)


@each_experiment
def test_the_figures_alone_show_the_best_that_can_be_seen(experiment: Experiment, ask: Ask) -> None:
    answer = ask(experiment)
    assert answer.seen == experiment.seen, answer.sentence_without_records
