"""A regression that becomes smaller without going away."""

from __future__ import annotations

import math

import pytest

from qhas.verdict.model import Verdict
from qhas.verdict.sentences import verdict_of
from tests.qhas.nights import wobbling
from tests.qhas.verdict.test_ladder import KEY, again, at, steady, told


def half_repaired(bad: int, better: int, *, rerun: bool) -> list[tuple[str, str]]:
    """Verdicts and sentences from a regression of 20 % on, which shrinks to 9 % after some nights."""
    levels = [1200.0] * bad + [1090.0] * better
    points = [
        at(35 + n, wobbling(n, level), again=again(level) if rerun else None)
        for n, level in enumerate(levels)
    ]
    judged = [verdict_of(KEY, one) for one in told([*steady(35), *points])[35:]]
    return [(str(one.verdict), one.sentence) for one in judged]


@pytest.mark.parametrize("bad", [2, 4, 12])
@pytest.mark.parametrize("rerun", [True, False])
def test_half_a_repair_is_an_improvement_that_says_what_is_left(bad: int, rerun: bool) -> None:
    found = half_repaired(bad, 10, rerun=rerun)
    after = found[bad:]
    (improved,) = [sentence for verdict, sentence in after if verdict == "improved"]
    assert "; still +9." in improved or "; still +8." in improved
    assert not any("back where it was" in sentence for _, sentence in after)
    assert {verdict for verdict, _ in after} <= {"suspicious", "improved", "sustained"}
    last, sentence = after[-1]
    assert last == "sustained"
    assert "better since" in sentence
    assert "latency +9." in sentence or "latency +8." in sentence


def test_what_was_half_repaired_has_recovered_when_it_is_back() -> None:
    levels = [1200.0] * 8 + [1090.0] * 8 + [1000.0] * 3
    points = [at(35 + n, wobbling(n, level), again=again(level)) for n, level in enumerate(levels)]
    found = [str(one.verdict) for one in told([*steady(35), *points])[35:]]
    assert found.count("recovered") == 1
    assert found[16] == "recovered"
    assert found[17:] == ["steady"] * 2


def test_a_second_regression_is_measured_from_before_the_first_until_all_is_back() -> None:
    levels = [1080.0] * 8 + [1180.0] * 8 + [1080.0] * 3
    points = [at(35 + n, wobbling(n, level), again=again(level)) for n, level in enumerate(levels)]
    found = told([*steady(35), *points])[35:]
    assert [str(one.verdict) for one in found[8:10]] == ["new", "sustained"]
    assert found[9].off == pytest.approx(math.log(1.18), abs=0.02)
    assert found[9].since is points[0]
    assert found[16].verdict is Verdict.IMPROVED
    assert found[16].unrepaired == pytest.approx(math.log(1.08), abs=0.02)
