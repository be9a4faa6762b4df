"""Quarantine, across all processes of the host, for devices that fail repeatedly.

The records are in the shared directory of the leases, one small file per device.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from qhas.documents import Moment, Stored
from qhas.failures import InvalidInput
from qhas.machine.shared_directory import SharedDirectory, file_stem
from qhas.outside_text import ShownText

_logger = logging.getLogger(__name__)

_LONGEST_REASON = 1000
_LOCK_SECONDS = 5.0
Count = Annotated[int, Field(ge=0, lt=1 << 31)]


class Quarantined(Stored):
    """Why and for how long a device is quarantined."""

    reason: ShownText
    since: Moment
    until: Moment
    """The earliest time at which it may be tried again."""
    failures: Count
    """Consecutive failures so far."""


class _Record(Stored):
    failures: Count = 0
    quarantined: Quarantined | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class QuarantineLog:
    """Consecutive failures that devices are to blame for, and the devices quarantined for them.

    After `threshold` failures a device is quarantined for `first_period_seconds`. It is then on probation: one
    failure quarantines it for twice as long as before, up to `longest` seconds; one success clears it. Any number of
    processes may write at once. An unreadable file counts as absent, and so does a quarantine longer than `longest`,
    which something else must have written. Failing to write a file is only logged: a run never fails because of
    bookkeeping.
    """

    def __init__(
        self,
        directory: Path,
        threshold: int = 3,
        first_period_seconds: float = 60.0,
        longest: float = 3600.0,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._shared = SharedDirectory(directory)
        self._threshold = threshold
        self._first = timedelta(seconds=first_period_seconds)
        self._longest = timedelta(seconds=longest)
        self._clock = clock

    def note_failure(self, address: str, reason: str) -> Quarantined | None:
        """Count a failure that the device is to blame for, and return its quarantine, if any.

        A failure during a quarantine, such as one in a run that started earlier, does not extend it.
        """
        now = self._clock()
        record = _Record()
        try:
            self._shared.create()
            with self._shared.open(_name(address), create=True) as file:
                file.lock(_LOCK_SECONDS)
                record = self._after_failure(self._parse(file.read()), reason[:_LONGEST_REASON], now)
                file.write(record.model_dump_json())
        except (OSError, InvalidInput) as error:
            _logger.warning("A failure of %s could not be recorded: %s", address, error)
        return record.quarantined

    def withdraw_failure(self, address: str) -> None:
        """Withdraw a failure that the device was not to blame for after all, and the quarantine it led to."""
        try:
            with self._shared.open(_name(address)) as file:
                file.lock(_LOCK_SECONDS)
                record = self._parse(file.read())
                failures = max(0, record.failures - 1)
                kept = record.quarantined if failures >= self._threshold else None
                file.write(_Record(failures=failures, quarantined=kept).model_dump_json())
        except FileNotFoundError:
            return
        except (OSError, InvalidInput) as error:
            _logger.warning("A failure of %s could not be withdrawn: %s", address, error)

    def note_success(self, address: str) -> bool:
        """Clear the failures of a device that finished its work. Returns whether it had been quarantined."""
        try:
            with self._shared.open(_name(address)) as file:
                file.lock(_LOCK_SECONDS)
                record = self._parse(file.read())
                file.clear()
        except FileNotFoundError:
            return False
        except (OSError, InvalidInput) as error:
            _logger.warning("A success of %s could not be recorded: %s", address, error)
            return False
        return record.quarantined is not None

    def status(self, address: str) -> Quarantined | None:
        """Return the device's current quarantine; None once its period is over and it may be tried."""
        entry = self.entry(address)
        return entry if entry and self._clock() < entry.until else None

    def entry(self, address: str) -> Quarantined | None:
        """Return the device's last quarantine if no success has been noted since."""
        try:
            with self._shared.open(_name(address)) as file:
                # No lock: a process that holds it must not block readers. A line is written in one call.
                return self._parse(file.read()).quarantined
        except (OSError, InvalidInput):
            return None

    def _after_failure(self, record: _Record, reason: str, now: datetime) -> _Record:
        failures, before = record.failures + 1, record.quarantined
        if before and now < before.until:
            return _Record(failures=failures, quarantined=before.model_copy(update={"failures": failures}))
        if not before and failures < self._threshold:
            return _Record(failures=failures)
        twice = 2 * (before.until - before.since) if before else self._first
        period = min(max(twice, self._first), self._longest)
        return _Record(
            failures=failures,
            quarantined=Quarantined(reason=reason, since=now, until=now + period, failures=failures),
        )

    def _parse(self, line: bytes) -> _Record:
        try:
            record = _Record.model_validate_json(line)
        except ValidationError:
            return _Record()
        until = record.quarantined.until if record.quarantined else self._clock()
        return record if until - self._clock() <= self._longest else _Record()


def _name(address: str) -> str:
    return f"{file_stem(address)}.quarantine"
