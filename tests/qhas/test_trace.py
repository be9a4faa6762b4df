"""A chrometrace is whole or refused, in whatever layout of JSON it comes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qhas.trace import TraceFacts, TraceInvalid, check_trace
from tests.qhas.samples import (
    EVENTS,
    chrometrace,
    constant_event,
    counter_event,
    metadata_event,
    op_event,
)

WHOLE = chrometrace()
EXECUTED = '{"ph": "X", "pid": 0, "args": {"Duration (cycles)": 1}'
FACTS = TraceFacts(events=9, ops=2, end_cycle=150, counters=1, flows=2)


def check(folder: Path, content: str | bytes) -> TraceFacts:
    file = folder / "chrometrace.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return check_trace(file)


def refusal(folder: Path, content: str | bytes) -> str:
    with pytest.raises(TraceInvalid) as refused:
        check(folder, content)
    assert str(refused.value).startswith("chrometrace.json")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_whole_trace_is_counted(tmp_path: Path) -> None:
    assert check(tmp_path, WHOLE) == FACTS


def test_an_op_is_counted_once_although_it_stands_under_its_core_and_under_its_node(tmp_path: Path) -> None:
    once = chrometrace([op_event(pid=0)])
    twice = chrometrace([op_event(pid=0), op_event(pid=3)])
    assert check(tmp_path, once).ops == check(tmp_path, twice).ops == 1


def test_the_last_cycle_is_that_of_the_overview(tmp_path: Path) -> None:
    events = [op_event(ts=40, dur=2), op_event(ts=10, dur=3), op_event(ts=90, dur=9, pid=4)]
    assert check(tmp_path, chrometrace(events)).end_cycle == 42


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ("\n\n", "has no traceEvents"),
        ('{"header": {}}\n', "has no traceEvents"),
        ("[]", "holds no op that was executed"),
        ('{"header": {},\n"traceEvents": [\n', "is cut off after 0 events"),
        ('{"header": {},\n', "has no traceEvents"),
        (chrometrace([]), "holds no op that was executed"),
        (chrometrace([constant_event(), metadata_event()]), "holds no op that was executed"),
        (chrometrace([counter_event()]), "holds no op that was executed"),
        (chrometrace([op_event(pid=3)]), "holds no op that was executed"),
    ],
)
def test_a_trace_without_what_it_is_for_is_refused(tmp_path: Path, content: str, told: str) -> None:
    assert told in refusal(tmp_path, content)


@pytest.mark.parametrize("lines", range(len(WHOLE.splitlines())))
def test_a_trace_cut_off_after_any_line_is_refused(tmp_path: Path, lines: int) -> None:
    refusal(tmp_path, "".join(WHOLE.splitlines(keepends=True)[:lines]))


def test_a_trace_cut_off_at_any_byte_is_refused(tmp_path: Path) -> None:
    end = len(WHOLE.rstrip())
    for length in range(0, end, 7):
        refusal(tmp_path, WHOLE[:length])
    refusal(tmp_path, WHOLE[: end - 1])


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "{",
        "[]",
        "7",
        '{"name": "no phase"}',
        EXECUTED + "}",
        EXECUTED + ', "ts": "a", "dur": 1}',
        EXECUTED + ', "ts": 1e999, "dur": 1}',
        EXECUTED + ', "ts": [], "dur": []}',
        EXECUTED + ', "ts": null, "dur": 1}',
        EXECUTED.replace("{", "[", 1) + "]",
        '{"ph": "X", "pid": 0, "args": null}',
    ],
)
@pytest.mark.parametrize("place", [0, 3])
def test_a_line_that_is_no_event_is_refused(tmp_path: Path, line: str, place: int) -> None:
    events = [*EVENTS[:place], line, *EVENTS[place:]]
    assert "event" in refusal(tmp_path, chrometrace(events))


@pytest.mark.parametrize(
    "content",
    [
        WHOLE.replace(",\n", "\n"),
        WHOLE.replace("\n]}", ",\n]}"),
        WHOLE + WHOLE,
        WHOLE + "garbage }",
        WHOLE.replace("]}", "], garbage }"),
        WHOLE.replace('{"header"', '{header"'),
        WHOLE.replace('"traceEvents": [', '"traceEvents": {['),
    ],
    ids=["no commas", "comma at the end", "twice", "more", "tail", "header", "no array"],
)
def test_what_is_not_json_is_refused_although_every_event_is(tmp_path: Path, content: str) -> None:
    refusal(tmp_path, content)


@pytest.mark.parametrize(
    "behind",
    [', "displayTimeUnit": "ns"', ',\n"displayTimeUnit": "ns",\n"metadata": {\n"a": [1]\n}\n', "\n", " "],
    ids=repr,
)
def test_keys_behind_the_array_are_no_damage(tmp_path: Path, behind: str) -> None:
    assert check(tmp_path, chrometrace(behind=behind)) == FACTS


@pytest.mark.parametrize("behind", [', "displayTimeUnit": ', ', "metadata": {'])
def test_a_trace_cut_off_behind_its_array_is_refused(tmp_path: Path, behind: str) -> None:
    refusal(tmp_path, chrometrace(behind=behind).rstrip().removesuffix("}"))


LAYOUTS = {
    "one line": lambda document: json.dumps(document),
    "one line, compact": lambda document: json.dumps(document, separators=(",", ":")),
    "indented": lambda document: json.dumps(document, indent=4),
    "header indented": lambda document: json.dumps(document["header"], indent=4).join(
        ('{\n"header": ', WHOLE[WHOLE.index(",\n") :])
    ),
    "array on a line of its own": lambda _: WHOLE.replace('"traceEvents": [', '"traceEvents":\n['),
    "first event behind the array": lambda _: WHOLE.replace("[\n", "[", 1),
    "comma first": lambda _: WHOLE.replace("},\n{", "}\n,{"),
    "windows": lambda _: WHOLE.replace("\n", "\r\n"),
    "array closed behind the last event": lambda _: WHOLE.replace("\n]}", "]}"),
    "events first": lambda document: json.dumps(dict(reversed(document.items())), indent=1),
}


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


@given(
    st.binary(max_size=80)
    | st.tuples(
        st.sampled_from(["", '{"traceEvents": [', '{"traceEvents": [\n', '{"traceEvents": {']),
        st.lists(
            st.sampled_from(
                [
                    "{}",
                    "[]",
                    "1",
                    "null",
                    ",",
                    "\n",
                    "]",
                    "}",
                    ',"a": 1',
                    '{"ph": "C"}',
                    '{"ph": []}',
                    EXECUTED + ', "ts": -1, "dur": null}',
                    '{"ph": "X", "pid": {}, "args": 1}',
                    '"\xff"',
                ]
            ),
            max_size=8,
        ).map("".join),
    ).map(lambda parts: "".join(parts).encode("latin-1"))
)
@example(f'{{"traceEvents": [\n{EXECUTED}, "ts": 1e400, "dur": 1}}\n]}}'.encode())
@example(b'{"traceEvents": 7}')
@example(b'{"traceEvents": [' + b"[" * 3000)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TraceInvalid):
        check(tmp_path, content)
