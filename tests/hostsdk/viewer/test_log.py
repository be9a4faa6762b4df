"""Profiling logs are read completely or refused with the reason."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostsdk.events import Unit
from hostsdk.viewer.log import LogError, parse_log, read_log
from tests.hostsdk.viewer import tiny
from tests.hostsdk.viewer.log_writer import MAGIC, Scalar, Table, chunk, event, message

LOG = tiny.log()


def test_the_header_names_the_writer() -> None:
    log = parse_log(LOG)
    assert (log.application, log.version, log.backend) == ("snpe-net-run", "2.51.0", "HTP")


def test_messages_of_every_chunk_are_read_in_order() -> None:
    assert [(m.method, m.graph) for m in parse_log(LOG).messages] == [
        (2, "tiny"),
        (1, "tiny"),
    ]


def test_events_nest_and_keep_their_depth() -> None:
    root = parse_log(LOG).messages[0].events[1]
    assert [(e.identifier, depth) for e, depth in root.walk()] == [
        ("Performance Estimates", 0),
        ("Simulated (Accelerator exec cycles)", 1),
        ("Simulated (Accelerator exec time us)", 1),
        ("Bandwidth Stats", 1),
        ("Input Fill", 2),
        ("Missing Ops (Number of Ops with no Costs associated)", 1),
    ]


def test_an_absent_value_reads_as_zero() -> None:
    log = parse_log(chunk([message("g", [Table({0: "Mode", 1: Scalar("I", 2005)})])]))
    assert log.messages[0].events[0].value == 0


def test_a_blob_is_kept_whole() -> None:
    (found,) = parse_log(
        chunk([message("g", [event("x", 600, unit=Unit.OBJECT, payload=b"\0\1" * 900)])])
    ).messages
    assert found.events[0].payload == b"\0\1" * 900


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"\x10\0\0", "3 stray bytes"),
        (b"\x10\0\0\0" + bytes(8), "claims 16 bytes, but the file has only 8 more"),
        (chunk([], magic=7), "does not begin with a profiling header"),
        (chunk([], header=False), "does not begin with a profiling header"),
        (LOG + b"\0\0", "2 stray bytes"),
    ],
)
def test_a_damaged_log_is_refused_with_the_reason(content: bytes, complaint: str) -> None:
    with pytest.raises(LogError, match=complaint):
        parse_log(content)


def test_a_header_whose_texts_lie_outside_of_the_file_is_refused() -> None:
    whole = chunk([])
    slots = whole.index(struct.pack("<I", MAGIC)) - 4  # the header's table begins after its slots
    far = whole[: slots - 2] + b"\xff\xff" + whole[slots:]
    with pytest.raises(LogError, match="outside of it"):
        parse_log(far)


def test_the_refusal_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "half.log").write_bytes(LOG[:99])
    with pytest.raises(
        LogError, match=r"half\.log is not a complete QNN profiling log: .*; run the graph again\.$"
    ):
        read_log(tmp_path / "half.log")


def test_the_diagnostic_log_of_snpe_is_named_as_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "SNPEDiag_0.log"
    path.write_bytes(struct.pack("<I", 0x0003D3AD) + LOG)
    with pytest.raises(LogError, match=r"is SNPE's diagnostic log .* give profilelogs/qnn-profiling-data"):
        read_log(path)


def test_a_missing_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"cannot be read .No such file"):
        read_log(tmp_path / "absent.log")


def test_events_nested_without_end_are_refused() -> None:
    nested = event("leaf", 1)
    for _ in range(40):
        nested = event("branch", 1, children=[nested])
    with pytest.raises(LogError, match="nested deeper"):
        parse_log(chunk([message("g", [nested])]))


def test_events_repeated_without_end_are_refused() -> None:
    repeated = event("leaf", 1)
    for _ in range(8):
        repeated = event("branch", 1, children=[repeated] * 16)
    content = chunk([message("g", [repeated])])
    assert len(content) < 2000, "the writer stores a repeated table once"
    with pytest.raises(LogError, match="repeat endlessly"):
        parse_log(content)


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused_or_read_but_never_crash(content: bytes) -> None:
    _read_or_refuse(content)


@given(st.integers(0, len(LOG) - 1))
def test_a_truncated_log_is_refused_unless_the_cut_falls_between_chunks(length: int) -> None:
    first = 4 + int.from_bytes(LOG[:4], "little")
    if length == first:
        assert len(parse_log(LOG[:length]).messages) == 1
    else:
        with pytest.raises(LogError):
            parse_log(LOG[:length])


@given(st.integers(0, len(LOG) - 1), st.integers(0, 255), st.integers(0, len(LOG) - 1), st.integers(0, 255))
def test_flipped_bytes_are_refused_or_read_but_never_crash(
    place: int, value: int, other: int, second: int
) -> None:
    content = bytearray(LOG)
    content[place], content[other] = value, second
    _read_or_refuse(bytes(content))


def _read_or_refuse(content: bytes) -> None:
    try:
        log = parse_log(content)
    except LogError:
        return
    assert all(isinstance(message.graph, str) for message in log.messages)
