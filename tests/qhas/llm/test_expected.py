"""What devices are expected to achieve: from whole architectures, per runtime, and only from measured ones."""

from __future__ import annotations

import re
from typing import Any

import pytest

from qhas.llm import expected
from qhas.llm.expected import Expected, Key, calibrations_of, expectations
from qhas.network.recipe import Attention, Recipe, WeightBits
from qhas.profile.language import PassFigures
from qhas.truth.calibration import Unknown
from tests.qhas.llm.pairs import made

FIGURES = {
    "block_us": 0, "constant_us": 0, "ends_us": 0, "read": 0, "written": 0, "weights": 0, "cache": 0, "spill": 0, "peak_vtcm": 0,
    "dram_peak": None, "shares": [],
}  # fmt: skip


def a_pass(tokens: int = 1, ms: float = 25.0) -> PassFigures:
    return PassFigures(tokens=tokens, time_us=ms * 1000, **FIGURES)


@pytest.fixture
def of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    known = calibrations_of([*made(), *made(7, "geniex_qairt"), *made(tokens=128)])
    monkeypatch.setattr(expected, "calibrations", lambda: known)


def ask(**changed: Any) -> tuple[Expected, ...] | Unknown:
    return expectations(**{"whole": a_pass(), "soc": "sm8750", "context": 4096, "recipe": Recipe()} | changed)


def test_a_calibration_is_of_eight_architectures_not_of_eight_rows():
    assert calibrations_of(made(7)) == {}
    ((key, known),) = calibrations_of(made()).items()
    assert key == Key("genie", Attention.GROUPED, 1)
    assert (known.of.families, known.of.n) == (8, 16)
    assert known.devices == {"Galaxy S25", "IQ-9075"}


@pytest.mark.usefixtures("of_eight")
def test_a_rate_is_expected_by_the_runtime_that_has_enough():
    (genie,) = ask()
    value, low, high = genie.values
    assert value == pytest.approx(60, rel=1e-3)
    assert low < value < high
    assert genie.sentence == f"{genie.text} tokens/s expected on Galaxy S25 by genie, from 8 architectures"
    assert genie.document["figure"] == "decode_tokens_per_s"


@pytest.mark.usefixtures("of_eight")
def test_a_first_token_is_expected_in_milliseconds():
    (genie,) = ask(whole=a_pass(128, ms=50))
    assert genie.values[0] == pytest.approx(75, rel=1e-3)
    assert " ms expected on Galaxy S25" in genie.sentence


@pytest.mark.usefixtures("of_eight")
def test_a_model_faster_than_all_of_them_is_told_so():
    assert ask(whole=a_pass(ms=1))[0].sentence.endswith("from 8 architectures, none of similar speed")


@pytest.mark.usefixtures("of_eight")
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"soc": "aic100"}, "no device was measured for AIC100"),
        ({"soc": "sa7255p"}, "no expectation for SA7255P"),
        ({"soc": "sm8650"}, "no language model was measured on Galaxy S24"),
        ({"recipe": Recipe(weights=WeightBits.EIGHT)}, "models were measured only as w4a16"),
        ({"recipe": Recipe(attention=Attention.SPLIT)}, "fewer than 8 architectures .* with split attention"),
        ({"whole": a_pass(64)}, "fewer than 8 architectures .* passes of 64 tokens"),
        ({"context": 1024}, "models were measured at context 4,096"),
    ],
)
def test_nothing_is_expected_of_what_was_not_measured(changed: dict[str, Any], why: str):
    answer = ask(**changed)
    assert isinstance(answer, Unknown)
    assert re.search(why, answer.sentence)
    assert not answer.sentence.endswith(".")
