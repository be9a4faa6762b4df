"""Devices that fail repeatedly are quarantined for all processes of the host, and tried again later."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qhas.devices.quarantine import QuarantineLog
from qhas.machine.shared_directory import file_stem

PHONE = "adb:3b15aq0"
ROOT = Path(__file__).parents[3]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> QuarantineLog:
    return QuarantineLog(tmp_path / "leases", 3, 60, 200, clock)


def set_aside(log: QuarantineLog) -> None:
    for _ in range(3):
        log.note_failure(PHONE, "no answer")


def test_a_device_is_set_aside_at_the_third_failure_in_a_row(log: QuarantineLog, clock: Clock) -> None:
    assert log.note_failure(PHONE, "no answer") is None
    assert log.note_failure(PHONE, "no answer") is None
    assert log.status(PHONE) is None
    entry = log.note_failure(PHONE, "the DSP hangs")
    assert entry is not None
    assert (entry.reason, entry.failures) == ("the DSP hangs", 3)
    assert (entry.since, entry.until) == (clock.now, clock.now + timedelta(seconds=60))
    assert log.status(PHONE) == entry == log.entry(PHONE)


def test_a_success_between_failures_starts_the_count_again(log: QuarantineLog) -> None:
    for _ in range(5):
        log.note_failure(PHONE, "no answer")
        log.note_failure(PHONE, "no answer")
        assert log.note_success(PHONE) is False
    assert log.entry(PHONE) is None


def test_a_failure_that_was_withdrawn_did_not_count(log: QuarantineLog) -> None:
    log.withdraw_failure(PHONE)
    set_aside(log)
    log.withdraw_failure(PHONE)
    assert log.status(PHONE) is None
    assert log.note_failure(PHONE, "no answer") is not None


def test_failures_of_one_device_are_not_anothers(log: QuarantineLog) -> None:
    set_aside(log)
    assert log.status("adb:other") is None


def test_a_device_may_be_tried_when_its_period_is_over(log: QuarantineLog, clock: Clock) -> None:
    set_aside(log)
    clock.advance(59)
    assert log.status(PHONE) is not None
    clock.advance(1)
    assert log.status(PHONE) is None
    assert log.entry(PHONE) is not None


def test_each_failure_on_probation_doubles_the_period_up_to_the_longest(
    log: QuarantineLog, clock: Clock
) -> None:
    set_aside(log)
    periods = []
    for _ in range(4):
        entry = log.entry(PHONE)
        assert entry is not None
        periods.append((entry.until - entry.since).total_seconds())
        clock.now = entry.until
        assert log.note_failure(PHONE, "still no answer") == log.status(PHONE) is not None
    assert periods == [60, 120, 200, 200]


def test_a_late_failure_of_a_device_already_set_aside_prolongs_nothing(
    log: QuarantineLog, clock: Clock
) -> None:
    set_aside(log)
    before = log.entry(PHONE)
    clock.advance(30)
    after = log.note_failure(PHONE, "a run begun before")
    assert before is not None
    assert after == log.entry(PHONE) == before.model_copy(update={"failures": 4})


def test_a_success_lifts_the_quarantine_and_its_history(log: QuarantineLog, clock: Clock) -> None:
    set_aside(log)
    clock.advance(60)
    assert log.note_success(PHONE) is True
    assert log.note_success(PHONE) is False
    assert log.entry(PHONE) is None
    assert log.note_failure(PHONE, "no answer") is None
    set_aside(log)
    entry = log.entry(PHONE)
    assert entry is not None
    assert entry.until - entry.since == timedelta(seconds=60)


def test_looking_and_succeeding_leave_no_files(tmp_path: Path) -> None:
    log = QuarantineLog(tmp_path)
    assert (log.status(PHONE), log.entry(PHONE), log.note_success(PHONE)) == (None, None, False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda file: file.write_bytes(b"\xff\xfe{"), id="not text"),
        pytest.param(lambda file: file.write_bytes(file.read_bytes()[:-20]), id="cut off"),
        pytest.param(lambda file: file.write_text('{"quarantined": {"reason": 3}}'), id="another shape"),
        pytest.param(lambda file: file.write_text("[]"), id="another type"),
    ],
)
def test_a_damaged_record_counts_as_absent_and_is_replaced(
    tmp_path: Path, log: QuarantineLog, spoil: Callable[[Path], object]
) -> None:
    set_aside(log)
    (file,) = (tmp_path / "leases").glob("*.quarantine")
    spoil(file)
    assert log.status(PHONE) is None
    set_aside(log)
    assert log.status(PHONE) is not None


@pytest.mark.parametrize(
    ("since", "until", "failures"),
    [
        ("2026-03-01T00:00:00Z", "8999-01-01T00:00:00Z", 3),
        ("8999-01-01T00:00:00Z", "1901-01-01T00:00:00Z", 3),
        ("0001-01-01T00:00:00Z", "2026-03-01T22:01:00Z", 3),
        ("2026-03-01T22:00:00", "2026-03-01T22:01:00", 3),
        ("2026-03-01T22:00:00Z", "2026-03-01T22:01:00Z", -1),
        ("2026-03-01T22:00:00Z", "2026-03-01T22:01:00Z", 10**400),
    ],
)
def test_a_record_that_nobody_of_ours_wrote_keeps_no_device_away_and_ends_no_run(
    tmp_path: Path, log: QuarantineLog, since: str, until: str, failures: int
) -> None:
    set_aside(log)
    (file,) = (tmp_path / "leases").glob("*.quarantine")
    entry = {"reason": "x", "since": since, "until": until, "failures": failures}
    file.write_text(json.dumps({"failures": failures, "quarantined": entry}) + "\n")
    assert log.status(PHONE) is None
    set_aside(log)
    assert log.status(PHONE) is not None


def test_what_is_left_of_a_longer_record_is_not_read(tmp_path: Path, log: QuarantineLog) -> None:
    set_aside(log)
    entry = log.entry(PHONE)
    (file,) = (tmp_path / "leases").glob("*.quarantine")
    with file.open("ab") as stream:
        stream.write(b'"}, and the end of it')
    assert log.entry(PHONE) == entry is not None


@pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
def test_a_foreign_thing_in_place_of_a_record_is_left_alone(
    tmp_path: Path, log: QuarantineLog, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("qhas.devices.quarantine").disabled = False  # other tests may have set up logging
    caplog.set_level(logging.WARNING, "qhas.devices.quarantine")
    target = tmp_path / "somebody's"
    target.write_text("precious")
    place = tmp_path / "leases" / f"{file_stem(PHONE)}.quarantine"
    place.parent.mkdir()
    make: dict[str, Callable[[], object]] = {
        "link": lambda: place.symlink_to(target),
        "directory": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
    }
    make[kind]()
    set_aside(log)
    assert log.note_success(PHONE) is False
    assert log.status(PHONE) is None
    assert "could not be recorded" in caplog.text
    assert target.read_text() == "precious"


def test_a_long_reason_of_many_lines_is_kept_in_part(log: QuarantineLog) -> None:
    for _ in range(3):
        log.note_failure(PHONE, "a line\n" * 100_000)
    entry = log.entry(PHONE)
    assert entry is not None
    assert entry.reason.startswith("a line\na line")
    assert len(entry.reason) == 1000


async def test_failures_noted_by_several_processes_at_once_all_count(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from qhas.devices.quarantine import QuarantineLog\n"
        "log = QuarantineLog(Path(sys.argv[1]), threshold=10000)\n"
        "sys.stdin.read()\n"
        "for _ in range(500): log.note_failure(sys.argv[2], 'no answer')\n"
    )
    start, go = os.pipe()  # closing it releases all of them at once
    children = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(tmp_path), PHONE, cwd=ROOT, stdin=start
        )
        for _ in range(3)
    ]
    os.close(start)
    os.close(go)
    assert [await child.wait() for child in children] == [0, 0, 0]
    entry = QuarantineLog(tmp_path, threshold=1501).note_failure(PHONE, "no answer")
    assert entry is not None
    assert entry.failures == 1501
