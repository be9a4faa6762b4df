"""Simulated rates are compared with each runtime's; the nearer one decides how far off a figure is."""

from __future__ import annotations

import pytest

from bench.llm.page import END, PAGE, ROOT, START, put_into, tables
from bench.llm.pairs import by_runtime, calibrated, every_pair, near, nearer, outside
from qhas.llm.measured import Simulated, simulated
from qhas.llm.pairs import Pair, pairs


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


def test_bad_rows_of_an_architecture_left_out_are_published():
    found = [
        Pair(
            made("sm8750", 1e6 / rate)._replace(architecture=name), "Galaxy S25", "genie", rate, rate * ratio
        )
        for rate, (name, ratio) in enumerate(
            [("a", 1.1), *((each, 1.0) for each in "bcdefgh"), ("odd", 3.0)], 10
        )
    ]
    assert ("grouped", "genie", "tokens/s", "odd", "Galaxy S25", "3.00") in outside(found).rows
    ((*_, architectures, count, ratio, _, holds, _, _),) = calibrated(found).rows
    assert (architectures, count, ratio, holds) == (
        "9",
        "9",
        "1.00",
        f"{1 - len(outside(found).rows) / 9:.0%}",
    )


def test_the_page_is_what_the_command_makes_of_the_shipped_figures():
    text = (ROOT / PAGE).read_text("utf-8")
    assert put_into(text, tables()) == text, "python -m bench llm --write"


def test_a_page_without_marks_is_left_alone():
    with pytest.raises(ValueError, match="has no"):
        put_into(f"{END} {START}", "tables")
