"""A chrometrace is whole or refused, in whatever layout of JSON it comes, and never held."""

from __future__ import annotations

import gzip
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.profiles import EVENTS, chrometrace, constant_event, counter_event, metadata_event, op_event
from qhas.profile.trace import TraceFacts, TraceInvalid, read_trace
from tests.judges.perfetto import import_errors, slice_count

WHOLE = chrometrace()
EXECUTED = '{"ph": "X", "pid": 0, "args": {"Duration (cycles)": 1}'
FACTS = TraceFacts(events=9, ops=2, end_cycle=150, counters=1, flows=2)


def check(folder: Path, content: str | bytes) -> TraceFacts:
    file = folder / "chrometrace.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_trace(file, lambda *_: None)


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
@settings(max_examples=300)
def test_no_bytes_raise_anything_else(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(TraceInvalid):
        check(tmp_path, content)


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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("\ufeff" + WHOLE, "byte order mark"),
        (WHOLE.rstrip().removesuffix("}") + ', "traceEvents": []}', "twice"),
        (WHOLE.replace('"dur": 50', '"dur": NaN', 1), "at event 3"),
        (WHOLE + "\0" * 100, "behind its end"),
        ("{5: 6, " + WHOLE.removeprefix("{"), "has no traceEvents"),
        ('{"traceEvents": {}}', "has no traceEvents"),
        ('"traceEvents"', "has no traceEvents"),
        (WHOLE.rstrip().removesuffix("}") + ",}", "behind its last event"),
        (WHOLE.rstrip().removesuffix("}") + ', "a" 1}', "behind its last event"),
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


# The same events however they are laid out.

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
    """Figures of a trace, by a plain reading of the document."""
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
    """The content as gzip members that follow each other, none of them empty."""
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


INPUTS = Path(__file__).parents[4] / "shared/inputs"

ODD_VALUES = {
    "nan": ('"Cycles per Packet": ', "nan", "a number that is none (nan)"),
    "NaN": ('"Cycles per Packet": ', "NaN", "a number that is none (NaN)"),
    "-inf": ('"Step Size": ', "-inf", "a number that is none (-inf)"),
    "Infinity": ('"Step Size": ', "Infinity", "a number that is none (Infinity)"),
    "-nan(ind)": ('"Step Size": ', "-nan(ind)", "a number that is none (-nan(ind))"),
    "1.#INF": ('"Step Size": ', "1.#INF", "a number that is none (1.#INF)"),
    "in a list": ('"Dims": [1, ', "nan]", "a number that is none (nan)"),
    "latin-1": ('"Description": "gr', b'\xfc\xdfe"', "a byte that is no UTF-8 (0xfc)"),
    "half a character": ('"Description": "', b'\xe2\x82"', "a byte that is no UTF-8 (0xe2)"),
    "half a pair": ('"Description": "', '\\ud83d"', "half of a character"),
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
    assert facts == TraceFacts(1000, 1000, 9995, oddities=[f"holds {told} at byte {at + len(before)}"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_odd_value_is_found_in_every_layout(tmp_path: Path, layout: str) -> None:
    text = LAYOUTS[layout](json.loads(WHOLE))
    facts = check(tmp_path, text.replace("q::Add", "q::\\Add", 1))
    assert facts.oddities == [f"holds a backslash that escapes nothing at byte {text.index('Add')}"]
    assert facts.ops == FACTS.ops


@pytest.mark.skipif(not INPUTS.is_dir(), reason="the sample inputs are not beside the repository")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nan", ["holds a number that is none (NaN) at byte 329"]),
        ("inf", ["holds a number that is none (Infinity) at byte 329"]),
        ("badutf8", ["holds a byte that is no UTF-8 (0xb4) at byte 71"]),
        ("backslash", [f"holds a backslash that escapes nothing at byte {at}" for at in (73, 190)]),
    ],
)
def test_the_sample_traces_with_odd_values_are_read(name: str, told: list[str]) -> None:
    assert read_trace(INPUTS / f"trace-{name}.json", lambda *_: None) == TraceFacts(2, 2, 13, oddities=told)


def test_of_many_odd_values_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    events = [op_event(ts=at, dur=1).replace('"args": {', '"args": {"Step": nan, ') for at in range(3000)]
    told = check(tmp_path, chrometrace(events)).oddities
    assert len(told) == 6
    assert told[-1] == "holds 2995 more of the kind"


@pytest.mark.parametrize("number", ["nan", "inf", "-Infinity"])
@pytest.mark.parametrize("key", ["ts", "dur"])
def test_an_op_without_a_time_cannot_be_read(tmp_path: Path, key: str, number: str) -> None:
    event = re.sub(rf'"{key}": \d+', f'"{key}": {number}', op_event())
    assert re.search(
        r"damaged at event 2, byte \d+: a number that is none",
        refusal(tmp_path, chrometrace([op_event(), event])),
    )


def test_only_a_trace_that_ends_early_is_called_cut_off(tmp_path: Path) -> None:
    assert "cut off" in refusal(tmp_path, WHOLE[: len(WHOLE) // 2])
    for damaged in ('{"ph": "C"]', '{"ph": nul}', "{", '{"ph" "C"}'):
        told = refusal(tmp_path, chrometrace([op_event(), damaged, op_event()]))
        assert "cut off" not in told
        assert re.search(r"event 2, byte \d+", told)


# Memory, of a process that reads a trace and nothing else.

READ = """
import re, sys
from pathlib import Path
from qhas.profile.trace import read_trace
facts = read_trace(Path(sys.argv[1]), lambda *_: None)
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(facts.events, peak.group(1))
"""
BULK = {
    "an event a line": (b",\n", lambda text: text),
    "one line": (b", ", lambda text: text),
    "indented": (b",\n", lambda text: json.dumps(json.loads(text), indent=4)),
}


def peak_kib(file: Path, events: int) -> int:
    """KiB of the largest resident set of a process that checks the trace, once it has found all events."""
    done = subprocess.run([sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=True)
    found, peak = map(int, done.stdout.split())
    assert found == events
    return peak


def write_bulk(file: Path, layout: str, megabytes: int, *, packed: bool = False) -> int:
    """A trace of so many megabytes. Returns how many events it has."""
    separator, written = BULK[layout]
    event = written(op_event("q::ConvLayer_s1.opt" * 5)).encode()
    block = [event] * 1000
    blocks = max(1, megabytes * 1_000_000 // (len(event) * 1000))
    with gzip.open(file, "wb", 1) if packed else file.open("wb") as sink:
        sink.write(b'{"header": {}, "traceEvents": [')
        for number in range(blocks):
            sink.write((separator if number else b"") + separator.join(block))
        sink.write(b"]}")
    return blocks * 1000


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize(
    ("layout", "megabytes", "packed"),
    [
        *[(layout, 20, False) for layout in BULK],
        ("one line", 20, True),
        pytest.param("one line", 150, False, marks=pytest.mark.slow),
        pytest.param("indented", 150, True, marks=pytest.mark.slow),
    ],
)
def test_memory_does_not_grow_with_the_trace(
    tmp_path: Path, layout: str, megabytes: int, packed: bool
) -> None:
    small, large = tmp_path / "small.json", tmp_path / "large.json"
    base = peak_kib(small, write_bulk(small, layout, 0))
    events = write_bulk(large, layout, megabytes, packed=packed)
    assert peak_kib(large, events) < base + 8 * 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_the_longest_event_stays_within_the_memory_promised(tmp_path: Path) -> None:
    event = op_event()[:-1] + ', "of": [' + ",".join(["{}"] * 1_390_000) + "]}"
    file = tmp_path / "chrometrace.json"
    file.write_text(chrometrace([event, op_event()]), encoding="utf-8")
    assert peak_kib(file, 2) < 200 * 1024
