"""A chrometrace gives the same figures whatever the layout of its JSON."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.profiles import EVENTS, chrometrace, op_event
from qhas.profile.trace import TraceFacts, TraceInvalid
from tests.qhas.profile.traces import FACTS, LAYOUTS, WHOLE, check, refusal


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_the_json_does_not_matter(tmp_path: Path, layout: str) -> None:
    text = LAYOUTS[layout](json.loads(WHOLE))
    assert json.loads(text) == json.loads(WHOLE), "the layout itself must be sound"
    assert check(tmp_path, text) == FACTS


@pytest.mark.parametrize("layout", ["one line", "indented"])
def test_other_layouts_are_refused_when_cut_off(tmp_path: Path, layout: str) -> None:
    text = LAYOUTS[layout](json.loads(WHOLE))
    for length in range(0, len(text), 97):
        refusal(tmp_path, text[:length])


def test_a_string_may_look_like_a_border_between_events(tmp_path: Path) -> None:
    names = ['a"}, {"b', "a\\", '\\"}, {', "]}", "}, {" * 30_000, "{[" * 40_000, "\\" * 70_001, "\u00e9\n"]
    assert check(tmp_path, chrometrace([op_event(name) for name in names])).ops == len(names)


def test_arguments_may_hold_lists_of_objects(tmp_path: Path) -> None:
    event = json.loads(op_event())
    event["args"]["Inputs Ops"] = [{"ID": number, "of": [{}, {}]} for number in range(3)]
    assert check(tmp_path, chrometrace([json.dumps(event)] * 2000)).ops == 2000


@pytest.mark.parametrize("size", [1 << 10, 1 << 16, 1 << 20, 2_000_000])
def test_an_event_may_be_longer_than_what_is_read_at_once(tmp_path: Path, size: int) -> None:
    events = [op_event(), op_event("n" * size), op_event()]
    assert check(tmp_path, chrometrace(events)).ops == 3


@pytest.mark.parametrize("ending", ["", '"}'], ids=["without end", "whole"])
@pytest.mark.parametrize("size", [4_200_000, 12_000_000])
def test_an_event_that_would_fill_the_memory_is_refused(tmp_path: Path, size: int, ending: str) -> None:
    events = [op_event(), '{"ph": "X", "name": "' + "n" * size + ending, op_event()]
    assert "at event 2, or is over 4 MiB" in refusal(tmp_path, chrometrace(events))


@pytest.mark.parametrize(
    "damaged", ["{", '{"ph": "C"]', '{"ph": "C",}', '{"ph": nul}', '{"ph": "C"} {"ph": "C"}']
)
def test_a_damaged_event_is_named_wherever_it_is(tmp_path: Path, damaged: str) -> None:
    events = [op_event()] * 3000
    told = refusal(tmp_path, chrometrace([*events[:2345], damaged, *events[2345:]]))
    assert re.search(r"event 234[67]\b", told)


@pytest.mark.parametrize("number", ["1e2", "100.0", "100", '"100"'])
def test_times_may_be_any_number_that_perfetto_reads(tmp_path: Path, number: str) -> None:
    event = op_event(dur=100).replace('"dur": 100', f'"dur": {number}').replace('"ts": 0', '"ts": 7.5')
    assert check(tmp_path, chrometrace([event])).end_cycle == 107


def test_phases_that_nobody_knows_are_events(tmp_path: Path) -> None:
    assert check(tmp_path, chrometrace([*EVENTS, '{"ph": "Z"}'])).events == FACTS.events + 1


@pytest.mark.parametrize("ending", ["", "\n", " \r\n"])
def test_an_array_of_events_is_a_trace(tmp_path: Path, ending: str) -> None:
    assert check(tmp_path, f"[\n{', '.join(EVENTS)}\n]{ending}") == FACTS


def test_an_array_that_is_not_closed_is_refused_because_it_may_have_been_cut_off(tmp_path: Path) -> None:
    assert "is cut off after 9 events" in refusal(tmp_path, "[" + ", ".join(EVENTS) + "\n")


def test_a_header_is_not_needed(tmp_path: Path) -> None:
    assert check(tmp_path, f'{{"traceEvents":[{",".join(EVENTS)}]}}') == FACTS


def test_metadata_may_come_first(tmp_path: Path) -> None:
    assert check(tmp_path, chrometrace(reversed(EVENTS))) == FACTS


def test_the_name_of_the_array_may_stand_elsewhere_too(tmp_path: Path) -> None:
    header = '{"header": {"traceEvents": [1, 2]}, "what": "traceEvents", '
    text = header + WHOLE.removeprefix("{")
    assert check(tmp_path, text) == FACTS


HARD = json.dumps(
    {
        "ph": "i",
        "name": 'a"}, {"b\\',
        "args": {"of": [{"c": [[], {}]}, {"d": -1.5e-3}], "\u00e9": None, "e": "]}"},
    }
)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^"{}\[\],:\s]+')
FORMS = (
    "[{0}]",
    '{{"traceEvents": [{0}]}}',
    '{{"header": {{"a": [1, "]}}"]}}, "traceEvents": [{0}], "b": [{{}}, {{}}]}}',
)
BLANKS = st.lists(st.text(" \t\r\n", max_size=3), min_size=1, max_size=7)
TRACES = st.tuples(
    st.sampled_from(FORMS), st.lists(st.sampled_from([*EVENTS, HARD]), max_size=12), BLANKS
).map(lambda drawn: laid_out(drawn[0].format(", ".join([EVENTS[0], *drawn[1]])), drawn[2]))
EXAMPLES = settings(max_examples=100)


def laid_out(text: str, blanks: Iterable[str]) -> str:
    """The JSON text with these blanks between its tokens, in turn."""
    tokens = TOKEN.findall(text)
    return "".join(itertools.chain(*zip(tokens, itertools.cycle(blanks), strict=False))).rstrip()


def counted(text: str) -> TraceFacts:
    """The figures of a trace, from a plain reading of the document."""
    document = json.loads(text)
    events = document if isinstance(document, list) else document["traceEvents"]
    ops = [each for each in events if each["ph"] == "X" and each["pid"] == 0 and each["args"]]
    return TraceFacts(
        events=len(events),
        ops=len(ops),
        end_cycle=max(op["ts"] + op["dur"] for op in ops),
        counters=sum(each["ph"] == "C" for each in events),
        flows=sum(each["ph"] in "sf" for each in events),
    )


def in_members(content: bytes, cuts: Sequence[int]) -> bytes:
    """The content as consecutive gzip members, none of them empty."""
    places = sorted({0, len(content), *(cut % len(content) for cut in cuts)})
    return b"".join(gzip.compress(content[a:b], 1) for a, b in itertools.pairwise(places))


@given(TRACES, st.integers(1, 400), st.none() | st.lists(st.integers(0, 5000), max_size=3))
@EXAMPLES
def test_facts_do_not_depend_on_layout_windows_or_packing(
    tmp_path: Path, text: str, window: int, cuts: list[int] | None
) -> None:
    content = text.encode() if cuts is None else in_members(text.encode(), cuts)
    with mock.patch.multiple("qhas.profile.event_stream", _WINDOW=window, _NEAR=window // 3):
        assert check(tmp_path, content) == counted(text)


@given(TRACES, st.integers(1, 400), st.booleans(), st.integers(0, 10**6))
@EXAMPLES
def test_a_trace_in_any_layout_is_refused_when_cut_off(
    tmp_path: Path, text: str, window: int, packed: bool, cut: int
) -> None:
    content = in_members(text.encode(), [cut]) if packed else text.encode()
    with mock.patch.multiple("qhas.profile.event_stream", _WINDOW=window, _NEAR=window // 3):
        refusal(tmp_path, content[: cut % len(content)])


@given(TRACES, st.integers(1, 400), st.integers(0, 10**6), st.integers(0, 2), st.sampled_from('{}[],:"\\ 0a'))
@EXAMPLES
def test_a_damaged_trace_is_accepted_only_if_it_is_still_json_or_says_what_is_not(
    tmp_path: Path, text: str, window: int, at: int, gone: int, new: str
) -> None:
    at %= len(text)
    damaged = text[:at] + new + text[at + gone :]
    with mock.patch.multiple("qhas.profile.event_stream", _WINDOW=window, _NEAR=window // 3):
        try:
            facts = check(tmp_path, damaged)
        except TraceInvalid:
            return
    try:
        document = json.loads(damaged)
    except json.JSONDecodeError:
        assert facts.oddities
        return
    assert not facts.oddities
    assert facts.events == len(document if isinstance(document, list) else document["traceEvents"])
