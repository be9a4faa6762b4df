"""The simulator's trace object has matching header lengths, and a label leaves the trace's own bytes alone."""

import json

import pytest

from hostsdk import trace_object

TRACE = b'{ \n  "traceEvents": [\n{"name":"a"}\n  ],\n  "other": {}\n}\n'


def test_what_was_packed_is_unpacked():
    assert trace_object.unpack(trace_object.pack(TRACE, "graph")) == (TRACE, "graph")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:20], lambda b: b"\x01" + b[1:], lambda b: b + b"x"]
)
def test_a_damaged_object_is_refused(damage):
    with pytest.raises(ValueError):
        trace_object.unpack(damage(trace_object.pack(TRACE, "graph")))


def test_the_label_is_added_and_every_byte_before_the_closing_brace_stays():
    labelled = trace_object.with_label(TRACE, {"origin": "simulator"})
    assert labelled.startswith(TRACE.rstrip()[:-1].rstrip())
    assert json.loads(labelled) == json.loads(TRACE) | {"hostsdk": {"origin": "simulator"}}


@pytest.mark.parametrize("text", [b"[]", b"{}", b'{"traceEvents": ', b""])
def test_what_is_no_chrome_trace_gets_no_label(text):
    with pytest.raises(ValueError):
        trace_object.with_label(text, {})
