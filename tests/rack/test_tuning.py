"""A phone in the rack times a tuning's best candidates in turns on one lease and decides; the answer names it."""

from __future__ import annotations

import pytest

from qhas.tune.model import Tuning
from qhas.tune.subject import open_bench
from qhas.tune.tune import tune
from tests.qhas.estimating import write_program
from tests.rack.conftest import RackOf
from tests.rack.rack import TIMED, Rack, runs

LESS_VTCM = "cycles -= 200 * (asked['options'].get('vtcm_mb') == 2)"


def tuned(rack: Rack) -> Tuning:
    """Tune the network on a rack whose SDK also estimates."""
    (rack.sdk / "sdk.yaml").write_text("product: hostsdk\n")
    write_program(rack.sdk, rack.folder / "asked.jsonl", LESS_VTCM)
    with open_bench(rack.dlc("net"), "sm8750", rack.site) as bench:
        return tune(bench, trials=5, check=False, rack=rack.site)


@pytest.mark.slow
def test_default_and_candidate_are_timed_in_turns_and_the_phone_decides(rack_of: RackOf) -> None:
    rack = rack_of(phone="sm8750")
    answer = tuned(rack)
    assert answer.decision
    assert answer.decision.device == "phone"
    assert [len(each.rounds_us) for each in answer.decision.timed] == [5, 5]
    containers = [command.service for command in runs(rack.devices["phone"], TIMED)]
    assert len(containers) == 10
    assert answer.best == answer.default  # the fake phone is equally fast with any options
    assert "measured on phone" in answer.sentence
    rack.require_clean()


@pytest.mark.slow
def test_a_phone_that_cannot_be_reached_leaves_the_answer_simulated(rack_of: RackOf) -> None:
    rack = rack_of(phone={"soc": "sm8750", "ref": {"serial": "nobody", "answer_seconds": 1}})
    answer = tuned(rack)
    assert answer.best.options == {"vtcm_mb": 2}
    assert "simulated, not confirmed on a device" in answer.sentence
    assert "no device decided: " in answer.sentence
