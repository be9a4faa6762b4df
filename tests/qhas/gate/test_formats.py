"""A gate's result as Markdown and JUnit is complete, escaped, and readable by a parser."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from qhas.gate.formats import junit, markdown
from qhas.gate.model import STOPS, GateLine, GateResult, GateState

HOSTILE = "net<script>|`x`[a](http://b)\x1b[31m\u202e @everyone"


def result(*states: GateState, network: str = "net") -> GateResult:
    lines = [
        GateLine(
            network=f"{network}{number}",
            soc="sa8255",
            state=state,
            sentence=f"It is {state} <b>.",
            time_before_us=100.0,
            time_after_us=125.0,
            change_percent=25.0,
        )
        for number, state in enumerate(states)
    ]
    return GateResult(
        base="a", head="b", origin="simulator", compiler="2.51", threshold_percent=3, lines=lines
    )


@pytest.mark.parametrize("state", GateState)
def test_markdown_says_whether_it_passed_what_the_times_are_and_how_each_network_stands(
    state: GateState,
) -> None:
    text = markdown(result(state))
    assert text.startswith(f"### HTP gate {'failed' if state in STOPS else 'passed'}: 1 cell")
    assert "times: simulator" in text
    assert "| net0 | sa8255 | 100 µs → 125 µs | +25 % |" in text


def test_markdown_of_very_many_networks_tells_the_gravest_and_counts_the_rest() -> None:
    text = markdown(result(*[GateState.WORSE] * 30))
    assert text.count("- **") == 20
    assert "and 10 more" in text


def test_text_from_outside_is_no_markup() -> None:
    text = markdown(result(GateState.WORSE, network=HOSTILE))
    assert "<script>" not in text
    assert "[a](http" not in text.replace("\\[", "")
    assert "\x1b" not in text
    assert " @everyone" not in text


def test_junit_has_a_case_for_each_network_and_a_failure_for_what_stops() -> None:
    root = ElementTree.fromstring(junit(result(*GateState)))
    (suite,) = root
    assert int(suite.attrib["tests"]) == len(suite) == len(GateState)
    failed = {case.attrib["name"] for case in suite if case.find("failure") is not None}
    assert len(failed) == int(suite.attrib["failures"]) == len(STOPS)


def test_junit_is_xml_whatever_the_names() -> None:
    root = ElementTree.fromstring(junit(result(GateState.WORSE, network=HOSTILE + "\x00\x0b")))
    assert "<script>" in root[0][0].attrib["name"]
