"""Tuning: never worse than the default, no useless option, and the whole grid or its promising part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qhas.estimate.bench import Bench
from qhas.estimate.estimator import open_estimator
from qhas.estimate.trial import Subject
from qhas.failures import InvalidInput
from qhas.site import SdkRef
from qhas.site.sdk import find_sdk
from qhas.store import Store
from qhas.sweep.spec import PrepareOptions
from qhas.tune.model import Objective, Tried, Tuning
from qhas.tune.outputs import OutputCheck, check_outputs
from qhas.tune.page import page
from qhas.tune.search import pareto
from qhas.tune.subject import open_bench
from qhas.tune.tune import tune
from tests.qhas.estimating import HostSdk

WITH_LESS_VTCM = "cycles -= 200 * (asked['options'].get('vtcm_mb') == 2)"
ALL_WORSE = "cycles += 10 * len(asked['options'])"
TOGETHER = """o = asked['options']; cycles -= 50 * (o.get('vtcm_mb') == 4) + 30 * (o.get('dlbc') is True)"""
NO_TWO_MEGABYTES = "asked['options'].get('vtcm_mb') == 2 and print(json.dumps({'refusal': 'too little.'}), flush=True)\n    if asked['options'].get('vtcm_mb') == 2: continue"


@pytest.fixture
def tuned(
    host_sdk: Callable[[str], HostSdk], disk_store: Store, subject: Subject, tmp_path: Path
) -> Callable[..., Tuning]:
    """Tune on a host SDK with the given behaviour, without a check of outputs."""

    def run(behaviour: str, objective: Objective = Objective.TIME, trials: int = 100) -> Tuning:
        with bench_of(host_sdk(behaviour), disk_store, subject, tmp_path) as bench:
            return tune(bench, objective, trials, check=False)

    return run


@contextmanager
def bench_of(made: HostSdk, store: Store, subject: Subject, folder: Path) -> Iterator[Bench]:
    subject.dlc.touch()
    with open_estimator(made.sdk, store, cores=1) as estimator:
        yield Bench("net", subject, estimator, store, folder)


def test_the_best_has_no_option_that_brings_nothing(tuned):
    answer = tuned(WITH_LESS_VTCM)
    assert answer.best.options == {"vtcm_mb": 2}
    assert answer.block == "prepare:\n  vtcm_mb: 2\n"
    assert answer.gain_percent == pytest.approx(-20)


def test_options_that_help_together_are_both_kept(tuned):
    answer = tuned(TOGETHER)
    assert answer.best.options == {"vtcm_mb": 4, "dlbc": True}
    shares = {effect.option: effect.in_best for effect in answer.effects if effect.in_best is not None}
    assert shares == {
        "vtcm_mb": pytest.approx(100 * (920 / 970 - 1)),
        "dlbc": pytest.approx(100 * (920 / 950 - 1)),
    }


def test_where_nothing_is_better_the_default_is_the_answer(tuned):
    answer = tuned(ALL_WORSE)
    assert answer.best == answer.default
    assert answer.block == "prepare: {}\n"
    assert "none of 54 combinations beats the default in simulation" in answer.sentence


@pytest.mark.parametrize("trials", [1, 5, 12])
def test_no_more_is_tried_than_was_asked_for(tuned, trials):
    answer = tuned(ALL_WORSE, trials=trials)
    assert len(answer.tried) == trials
    assert answer.best == answer.default


def test_few_trials_go_to_what_single_options_promise(tuned):
    assert tuned(TOGETHER, trials=10).best.options == {"vtcm_mb": 4, "dlbc": True}


def test_asked_again_nothing_is_compiled(host_sdk, disk_store, subject, tmp_path):
    made, answers = host_sdk(WITH_LESS_VTCM), []
    for _ in range(2):
        with bench_of(made, disk_store, subject, tmp_path) as bench:
            answers.append(tune(bench, check=False))
    assert answers[0].compiled == made.asked > 0
    assert answers[1].compiled == 0
    assert answers[1].best == answers[0].best


def test_what_cannot_be_compiled_is_told_and_is_not_the_best(tuned):
    answer = tuned(NO_TWO_MEGABYTES)
    assert {refused.options.get("vtcm_mb") for refused in answer.refused} == {2}
    assert "too little." in page(answer)


def test_a_network_without_an_estimate_cannot_be_tuned(tuned):
    with pytest.raises(
        InvalidInput, match=r"net\.dlc has no estimate for sa8255, so it cannot be tuned: none\."
    ):
        tuned("print(json.dumps({'refusal': 'none.'}), flush=True); continue")


def test_the_gain_the_vendors_interval_and_what_is_known_of_the_truth_stand_in_one_sentence(tuned):
    sentence = tuned(WITH_LESS_VTCM).sentence
    assert "−20 %, simulated, not confirmed on a device: 0.8 µs in place of 1 µs" in sentence
    assert "Qualcomm's intervals 0.7 µs to 0.9 µs and 0.9 µs to 1.1 µs, which overlap" in sentence
    assert "no expectation" in sentence
    assert sentence.count(". ") == 0


def test_another_objective_ranks_by_its_own_figure(tuned):
    assert tuned(WITH_LESS_VTCM, Objective.DRAM).best.options == {}


def tried(time_us: float, dram: int, vtcm: int, **options: int) -> Tried:
    return Tried(
        options=options, time_us=time_us, interval_us=None, dram=dram, peak_vtcm=vtcm, context_bytes=1
    )


def test_the_front_has_what_no_other_beats_in_all_three():
    choices = [tried(2, 2, 2), tried(1, 3, 3, dlbc=1), tried(3, 3, 3), tried(3, 1, 3), tried(2, 2, 2, dlbc=0)]
    assert pareto(choices) == [1, 0, 3]


def test_a_soc_that_cannot_be_one_is_refused_before_anything_runs(tmp_path):
    from qhas.site import Site

    with (
        pytest.raises(InvalidInput, match="--soc"),
        open_bench("net.dlc", "../8750", Site(store=str(tmp_path))),
    ):
        pass


@pytest.mark.parametrize(("steps", "same"), [(0.0, True), (2.0, True), (2.1, False), (None, False)], ids=str)
def test_outputs_are_the_same_within_two_steps(steps, same):
    assert OutputCheck(steps=steps, why="x").same is same


@pytest.mark.hostsdk
def test_outputs_are_set_against_the_defaults_on_the_emulator_once(disk_store, tmp_path):
    from importlib import resources

    subject = Subject(Path(str(resources.files("hostsdk").joinpath("trial.dlc"))), "1" * 64, "sa8255")
    sdk = find_sdk(SdkRef())
    check = check_outputs(subject, PrepareOptions(vtcm_mb=2), sdk, disk_store, tmp_path)
    assert check.same
    gone = dataclasses.replace(subject, dlc=tmp_path / "gone.dlc")
    assert check_outputs(gone, PrepareOptions(vtcm_mb=2), sdk, disk_store, tmp_path) == check
