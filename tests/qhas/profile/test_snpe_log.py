"""SNPE's diagnostic log is read without the vendor's tool.

The tests build the logs: the mark, then parts as in QNN's logs.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qhas.profile.diagview import LatencyInvalid, Series, csv_of, read_samples
from qhas.profile.snpe_log import MARK, read_log_samples
from tests.hostsdk.viewer.log_writer import Table, chunk, event, message

US, CYCLES = 1, 3


def inference(total: int, unit: int = US) -> Table:
    forward = event(
        "Forward Propagate Time", 405, total // 2, unit, [event("Accelerator Time", 406, 5, CYCLES)]
    )
    return message("net", [event("Total Inference Time", 404, total, unit, [forward])], method=1)


def log(*totals: int, unit: int = US) -> bytes:
    created = message("net", [event("Create", 100, 154_620)], method=4)
    parts = [chunk([created]), *(chunk([inference(total, unit)], header=False) for total in totals)]
    return struct.pack("<I", MARK) + b"".join(parts)


def written(folder: Path, content: bytes) -> Path:
    path = folder / "SNPEDiag_0.log"
    path.write_bytes(content)
    return path


def test_every_inference_has_its_times_in_their_order(tmp_path: Path) -> None:
    samples = read_log_samples(written(tmp_path, log(1328, 940, 923)), 3)
    assert samples.series == {Series.TOTAL: (1328, 940, 923), Series.FORWARD: (664, 470, 461)}
    assert samples.chosen is Series.TOTAL


def test_the_table_that_is_kept_of_it_reads_the_same(tmp_path: Path) -> None:
    samples = read_log_samples(written(tmp_path, log(1328, 940)))
    assert read_samples(csv_of(samples), 2) == samples


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "does not begin with the signature"),
        (b'{"total_us": [1]}', "does not begin with the signature"),
        (log(9)[4:], "does not begin with the signature"),
        (log(9)[:-3], "is not a complete diagnostic log"),
        (log(9) + b"\x01", "is not a complete diagnostic log"),
        (struct.pack("<I", MARK) + chunk([inference(9)], magic=7), "is not a complete diagnostic log"),
        (log(), "has no event 'Total Inference Time'"),
        (log(9, unit=CYCLES), "has Total Inference Time without a time"),
        (log(9, 0), "has Total Inference Time without a time"),
        (log(9, 9), "has 2 times of 3 inferences"),
    ],
)
def test_any_other_file_is_left_to_the_vendors_tool(tmp_path: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(LatencyInvalid, match=f"SNPEDiag_0.log {complaint}"):
        read_log_samples(written(tmp_path, content), 3)


def test_events_that_repeat_without_end_are_refused(tmp_path: Path) -> None:
    again = event("Total Inference Time", 404, 9)
    for _ in range(20):
        again = event("Total Inference Time", 404, 9, children=[again] * 9)
    content = struct.pack("<I", MARK) + chunk([message("net", [again])])
    with pytest.raises(LatencyInvalid, match="not a complete"):
        read_log_samples(written(tmp_path, content))


@given(st.integers(0, len(log(9, 8)) - 1), st.integers(0, 255))
def test_flipped_bytes_are_refused_or_read_but_never_crash(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    content = bytearray(log(9, 8))
    content[at] = byte
    with suppress(LatencyInvalid):
        read_log_samples(written(tmp_path_factory.getbasetemp(), bytes(content)))
