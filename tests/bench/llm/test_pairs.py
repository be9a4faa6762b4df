"""Simulated rates set against each runtime; the nearer one decides how far off a figure is."""

from __future__ import annotations

import pytest

from bench.llm.pairs import by_runtime, every_pair, near, nearer, pairs
from qhas.llm.measured import Simulated, simulated


def made(soc: str, us: float, tokens: int = 1) -> Simulated:
    return Simulated("llama-3.2-1b", soc, "grouped", tokens, 4096, us)


def test_a_rate_is_set_against_both_runtimes():
    found = pairs([made("sm8750", 20_000)], prefill=False)
    assert [(pair.runtime, round(pair.measured, 1), pair.simulated) for pair in found] == [
        ("genie", 67.2, 50.0), ("geniex_qairt", 47.6, 50.0),
    ]  # fmt: skip
    assert nearer(found).runtime == "geniex_qairt"


def test_prefill_is_set_against_the_first_token():
    (genie, _) = pairs([made("sm8750", 1000), made("sm8750", 40_000, 128)], prefill=True)
    assert (genie.simulated, genie.measured) == (40.0, pytest.approx(31.467))


def test_near_is_within_a_quarter_of_the_nearer_runtime():
    assert near(pairs([made("sm8750", 20_000), made("qcs9100", 1_000_000)], prefill=False)) == (1, 2)


def test_the_shipped_figures_make_tables():
    found = pairs(simulated(), prefill=False)
    assert len(every_pair(found).rows) == len({pair.made for pair in found})
    assert {row[:2] for row in by_runtime(found).rows} >= {("grouped", "genie"), ("grouped", "geniex_qairt")}
