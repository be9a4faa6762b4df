"""A chrometrace is accepted if it is complete, and refused otherwise."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.profiles import EVENTS, chrometrace, constant_event, counter_event, metadata_event, op_event
from qhas.profile.trace import TraceInvalid, read_trace
from tests.judges.perfetto import import_errors, slice_count
from tests.qhas.profile.traces import EXECUTED, FACTS, WHOLE, check, refusal


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
        ("[]", "contains no executed op"),
        ('{"header": {},\n"traceEvents": [\n', "is cut off after 0 events"),
        ('{"header": {},\n', "has no traceEvents"),
        (chrometrace([]), "contains no executed op"),
        (chrometrace([constant_event(), metadata_event()]), "contains no executed op"),
        (chrometrace([counter_event()]), "contains no executed op"),
        (chrometrace([op_event(pid=3)]), "contains no executed op"),
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
@settings(max_examples=300)
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TraceInvalid):
        check(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("\ufeff" + WHOLE, "byte order mark"),
        (WHOLE.rstrip().removesuffix("}") + ', "traceEvents": []}', "twice"),
        (WHOLE.replace('"dur": 50', '"dur": NaN', 1), "at event 3"),
        (WHOLE + "\0" * 100, "after its end"),
        ("{5: 6, " + WHOLE.removeprefix("{"), "has no traceEvents"),
        ('{"traceEvents": {}}', "has no traceEvents"),
        ('"traceEvents"', "has no traceEvents"),
        (WHOLE.rstrip().removesuffix("}") + ",}", "after its last event"),
        (WHOLE.rstrip().removesuffix("}") + ', "a" 1}', "after its last event"),
        ("{" + " " * 200_000, "has no traceEvents"),
        (chrometrace(["{"]) + WHOLE, "at event 1"),
    ],
    ids=["bom", "twice", "nan", "nul", "key", "object", "string", "comma", "colon", "blank", "brace"],
)
def test_what_is_no_trace_is_told_apart(tmp_path: Path, content: str, told: str) -> None:
    assert told in refusal(tmp_path, content)


def test_a_gzipped_trace_is_known_by_its_content(tmp_path: Path) -> None:
    assert check(tmp_path, gzip.compress(WHOLE.encode())) == FACTS
    assert not list(tmp_path.glob("*.gz"))


def test_a_gzipped_trace_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(WHOLE.encode()))
    packed[-5] ^= 1
    assert "gzip data" in refusal(tmp_path, bytes(packed))


@pytest.mark.parametrize("extra", [b"garbage", b"\x1f\x8b"])
def test_a_gzipped_trace_with_something_behind_it_is_refused(tmp_path: Path, extra: bytes) -> None:
    assert "gzip data" in refusal(tmp_path, gzip.compress(WHOLE.encode()) + extra)


def test_perfetto_reads_what_is_accepted(tmp_path: Path) -> None:
    forms = [
        f"[{','.join(EVENTS)}]".encode(),
        json.dumps(dict(reversed(json.loads(WHOLE).items())), indent=4).replace("\n", "\r\n").encode(),
        gzip.compress(WHOLE[:999].encode()) + gzip.compress(WHOLE[999:].encode()),
    ]
    for form in forms:
        assert check(tmp_path, form) == FACTS
        assert import_errors(tmp_path / "chrometrace.json") == {}
    assert slice_count(tmp_path / "chrometrace.json") == 5


# The same events in any layout.


def test_a_pipe_is_no_trace_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "chrometrace.json")
    with pytest.raises(TraceInvalid, match="not a regular file"):
        read_trace(tmp_path / "chrometrace.json", lambda *_: None)
