"""Values in a chrometrace that are not valid JSON are named by their bytes and do no harm."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fakes.profiles import chrometrace, op_event
from qhas.profile.trace import TraceFacts, read_trace
from tests.qhas.profile.traces import FACTS, LAYOUTS, WHOLE, check, refusal

INPUTS = Path(__file__).parents[4] / "shared/inputs"

ODD_VALUES = {
    "nan": ('"Cycles per Packet": ', "nan", "an invalid number (nan)"),
    "NaN": ('"Cycles per Packet": ', "NaN", "an invalid number (NaN)"),
    "-inf": ('"Step Size": ', "-inf", "an invalid number (-inf)"),
    "Infinity": ('"Step Size": ', "Infinity", "an invalid number (Infinity)"),
    "-nan(ind)": ('"Step Size": ', "-nan(ind)", "an invalid number (-nan(ind))"),
    "1.#INF": ('"Step Size": ', "1.#INF", "an invalid number (1.#INF)"),
    "1e999": ('"Step Size": ', "1e999", "a number that is too large"),
    "-2.5E+400": ('"Step Size": ', "-2.5E+400", "a number that is too large"),
    "of 400 digits": ('"Step Size": ', "9" * 400 + ".5", "a number that is too large"),
    "of 5,000 digits": ('"Step Size": ', "9" * 5000, "a number that is too large"),
    "in a list": ('"Dims": [1, ', "nan]", "an invalid number (nan)"),
    "latin-1": ('"Description": "gr', b'\xfc\xdfe"', "a byte that is not UTF-8 (0xfc)"),
    "half a character": ('"Description": "', b'\xe2\x82"', "a byte that is not UTF-8 (0xe2)"),
    "half a pair": ('"Description": "', '\\ud83d"', "half of a surrogate pair"),
    "tab": ('"Description": "a', '\tb"', "a control character (0x09)"),
    "nul": ('"Description": "a', '\0b"', "a control character (0x00)"),
    "line end": ('"Description": "a', '\nb"', "a control character (0x0a)"),
    "backslash": ('"Description": "model', '\\conv"', "a backslash that escapes nothing"),
    "half an escape": ('"Description": "model', '\\u12"', "a backslash that escapes nothing"),
    "at the end": ('"Description": "C:\\\\models', '\\"', "a backslash that escapes nothing"),
}


@pytest.mark.parametrize(("before", "odd", "told"), ODD_VALUES.values(), ids=ODD_VALUES)
@pytest.mark.parametrize("place", [0, 2, 700])
def test_a_value_that_json_does_not_know_costs_nothing_and_is_named_by_its_byte(
    tmp_path: Path, before: str, odd: str | bytes, told: str, place: int
) -> None:
    odd = odd.encode() if isinstance(odd, str) else odd
    events = [op_event(ts=number * 10, dur=5) for number in range(1000)]
    text = chrometrace(events).encode()
    at = text.index(b'"args": {', text.index(events[place].encode())) + len(b'"args": {')
    facts = check(tmp_path, text[:at] + before.encode() + odd + b", " + text[at:])
    assert facts == TraceFacts(1000, 1000, 9995, oddities=[f"contains {told} at byte {at + len(before)}"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_odd_value_is_found_in_every_layout(tmp_path: Path, layout: str) -> None:
    text = LAYOUTS[layout](json.loads(WHOLE))
    facts = check(tmp_path, text.replace("q::Add", "q::\\Add", 1))
    assert facts.oddities == [f"contains a backslash that escapes nothing at byte {text.index('Add')}"]
    assert facts.ops == FACTS.ops


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the sample inputs are not beside the repository")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nan", ["contains an invalid number (NaN) at byte 329"]),
        ("inf", ["contains an invalid number (Infinity) at byte 329"]),
        ("badutf8", ["contains a byte that is not UTF-8 (0xb4) at byte 71"]),
        ("backslash", [f"contains a backslash that escapes nothing at byte {at}" for at in (73, 190)]),
    ],
)
def test_the_sample_traces_with_odd_values_are_read(name: str, told: list[str]) -> None:
    assert read_trace(INPUTS / f"trace-{name}.json", lambda *_: None) == TraceFacts(2, 2, 13, oddities=told)


def test_of_many_odd_values_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    events = [op_event(ts=at, dur=1).replace('"args": {', '"args": {"Step": nan, ') for at in range(3000)]
    told = check(tmp_path, chrometrace(events)).oddities
    assert len(told) == 6
    assert told[-1] == "contains 2995 more of this kind"


@pytest.mark.parametrize("number", ["nan", "inf", "-Infinity"])
@pytest.mark.parametrize("key", ["ts", "dur"])
def test_an_op_without_a_time_cannot_be_read(tmp_path: Path, key: str, number: str) -> None:
    event = re.sub(rf'"{key}": \d+', f'"{key}": {number}', op_event())
    assert re.search(
        r"damaged at event 2, byte \d+: an invalid number",
        refusal(tmp_path, chrometrace([op_event(), event])),
    )


def test_only_a_trace_that_ends_early_is_called_cut_off(tmp_path: Path) -> None:
    assert "cut off" in refusal(tmp_path, WHOLE[: len(WHOLE) // 2])
    for damaged in ('{"ph": "C"]', '{"ph": nul}', "{", '{"ph" "C"}'):
        told = refusal(tmp_path, chrometrace([op_event(), damaged, op_event()]))
        assert "cut off" not in told
        assert re.search(r"event 2, byte \d+", told)


@pytest.mark.parametrize("after", [0, 100])
def test_a_number_longer_than_python_reads_is_no_other_fault(tmp_path: Path, after: int) -> None:
    long = "9" * 5000
    text = chrometrace([op_event().replace('"args": {', f'"args": {{"Step Size": {long}, '), op_event()])
    assert "cut off" in refusal(tmp_path, text[: text.index(long) + len(long) + after])
    told = refusal(tmp_path, text.replace(long, f"{long}, nul", 1))
    assert re.search(r"damaged at event 1, byte \d+", told)


# Memory of a process that only reads a trace.
