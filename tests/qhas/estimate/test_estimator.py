"""Trials run once and are stored by content; a worker that dies costs only one of them."""

from __future__ import annotations

import dataclasses

import pytest

from qhas.estimate.estimator import open_estimator
from qhas.estimate.model import Estimate
from qhas.estimate.trial import Trial
from qhas.estimate.worker import TrialRefused
from qhas.failures import InvalidInput
from qhas.runs import keys
from qhas.site.sdk import SdkKind
from qhas.sweep.spec import PrepareOptions

O1 = PrepareOptions(optimization_level=1)


def test_a_trial_that_was_made_is_not_made_again(host_sdk, disk_store, subject):
    made = host_sdk("cycles = 900 if asked['options'].get('optimization_level') == 1 else 1000")
    trials = [Trial(subject), Trial(subject, O1)]
    for expected in (2, 0):
        with open_estimator(made.sdk, disk_store, cores=1) as estimator:
            outcomes = estimator.try_all(trials)
            assert estimator.compiled == expected
        assert [outcome.time_us for outcome in outcomes if isinstance(outcome, Estimate)] == [1.0, 0.9]
    assert made.asked == 2


@pytest.mark.parametrize(
    "other", [{"soc": "sm8750"}, {"sha256": "1" * 64}], ids=["another SoC", "another network"]
)
def test_the_key_is_of_network_and_soc(host_sdk, subject, other):
    sdk = host_sdk().sdk
    assert Trial(subject).key(sdk) != Trial(dataclasses.replace(subject, **other)).key(sdk)


def test_the_key_is_of_options_settings_and_sdk(host_sdk, subject):
    sdk = host_sdk().sdk
    trials = [Trial(subject), Trial(subject, O1), Trial(subject, settings={"sim_ddr_channels": 8})]
    keyed = {trial.key(sdk) for trial in trials} | {trials[0].key(dataclasses.replace(sdk, version="2.48"))}
    assert len(keyed) == 4


def test_the_file_that_holds_a_network_is_not_in_its_key(host_sdk, subject, tmp_path):
    sdk = host_sdk().sdk
    assert Trial(subject).key(sdk) == Trial(dataclasses.replace(subject, dlc=tmp_path / "copy.dlc")).key(sdk)


def test_a_worker_that_dies_costs_one_trial(host_sdk, disk_store, subject):
    made = host_sdk("if asked['options'].get('optimization_level') == 1: os.kill(os.getpid(), 11)")
    with open_estimator(made.sdk, disk_store, cores=1) as estimator:
        died, lived = estimator.try_all([Trial(subject, O1), Trial(subject)])
    assert isinstance(died, TrialRefused)
    assert "signal 11" in str(died)
    assert isinstance(lived, Estimate)


def test_a_worker_that_says_nothing_is_stopped(host_sdk, disk_store, subject, tmp_path):
    from qhas.estimate.worker import Worker

    made = host_sdk("import time; time.sleep(600)")
    worker = Worker(made.sdk, tmp_path / "worker", timeout_seconds=0.2)
    with pytest.raises(TrialRefused, match="gave no answer"):
        worker.ask(Trial(subject).request())


def test_another_process_takes_over_after_so_many_answers(host_sdk, disk_store, subject, monkeypatch):
    monkeypatch.setattr("qhas.estimate.worker._MOST_ANSWERS", 2)
    made = host_sdk("answered = globals().get('answered', 0) + 1; cycles = 1000 * answered")
    trials = [Trial(subject, settings={"sim_ddr_freq": clock}) for clock in range(5)]
    with open_estimator(made.sdk, disk_store, cores=1) as estimator:
        outcomes = estimator.try_all(trials)
    assert [each.time_us for each in outcomes] == [1.0, 2.0, 1.0, 2.0, 1.0]


def test_a_refusal_is_the_host_sdks_own_sentence_and_is_not_kept(host_sdk, disk_store, subject):
    made = host_sdk("print(json.dumps({'refusal': 'no cost model.'}), flush=True); continue")
    with (
        open_estimator(made.sdk, disk_store, cores=1) as estimator,
        pytest.raises(InvalidInput, match=r"net\.dlc has no estimate for sa8255: no cost model\."),
    ):
        estimator.try_one(Trial(subject))
    assert disk_store.read(keys.trial(Trial(subject).key(made.sdk))) is None


def test_a_refusal_names_the_network_and_no_place_of_ours(host_sdk, disk_store, subject):
    made = host_sdk("print(json.dumps({'refusal': asked['dlc'] + ' is no DLC.'}), flush=True); continue")
    with open_estimator(made.sdk, disk_store, cores=1) as estimator:
        assert [str(outcome) for outcome in estimator.try_all([Trial(subject)])] == ["net.dlc is no DLC."]


def test_a_kept_estimate_that_cannot_be_read_is_made_anew(host_sdk, disk_store, subject):
    made = host_sdk()
    disk_store.write(keys.trial(Trial(subject).key(made.sdk)), b"{half")
    with open_estimator(made.sdk, disk_store, cores=1) as estimator:
        assert estimator.try_one(Trial(subject)).time_us == 1.0


def test_the_vendors_sdk_estimates_nothing_by_itself(host_sdk, disk_store):
    vendors = dataclasses.replace(host_sdk().sdk, kind=SdkKind.VENDOR)
    with pytest.raises(InvalidInput, match="the vendor's"), open_estimator(vendors, disk_store):
        pass
