"""Devices that fail again and again are set aside for a while, for all processes of the host.

The facts lie in a directory that the users of the host share, one small file a device. `SharedDirectory` and
`LockedFile` are the ways to those files, for the leases too.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError

from qhas.failures import InvalidInput
from qhas.naming import safe_name

_logger = logging.getLogger(__name__)

_LONGEST_LINE = 64 * 1024
_LONGEST_REASON = 1000
_open_files: set[int] = set()


def _close_inherited() -> None:
    for descriptor in _open_files:
        os.close(descriptor)
    _open_files.clear()


# Python closes its descriptors in executed programs, but a forked Python would keep the locks of a dead parent.
os.register_at_fork(after_in_child=_close_inherited)


class LockedFile:
    """An open file with an flock of its own, even against others in this process, and one line of text."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        _open_files.add(descriptor)

    def __enter__(self) -> LockedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lock(self, *, shared: bool = False) -> None:
        """Wait for the lock, blocking the thread."""
        fcntl.flock(self._descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def try_lock(self) -> bool:
        """Whether the lock was free; it is ours then."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read(self) -> bytes:
        """The line; empty if there is none."""
        return os.pread(self._descriptor, _LONGEST_LINE, 0).partition(b"\n")[0]

    def write(self, line: str) -> None:
        """Put the line in place of the old one. A crash leaves one of the two: what follows a line is not read."""
        data = line.encode() + b"\n"
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def clear(self) -> None:
        """Leave no line."""
        os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Give up lock and file."""
        if self._descriptor in _open_files:
            _open_files.remove(self._descriptor)
            # A child between fork and exec has the file open too: closing alone would leave it locked for that time.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)


class SharedDirectory:
    """A directory whose files every user of the host may lock and write.

    Nobody else's links or devices are followed: such a file raises InvalidInput. Files are rewritten in place,
    because a sticky directory lets nobody replace or remove the files of others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._prefix = f"{path}/"  # joining paths would be the most of a poll's cost

    def create(self) -> None:
        """Make it if it is not there. Raises InvalidInput if it cannot be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir()
            self.path.chmod(0o1777)
        except FileExistsError:
            if self.path.is_symlink() or not self.path.is_dir():
                raise InvalidInput(
                    f"{self.path} is not a directory but should be the one of the device leases: "
                    "remove it, or name another in QHAS_LEASES."
                ) from None
        except OSError as error:
            raise InvalidInput(
                f"The directory of the device leases cannot be made: {error}; name another in QHAS_LEASES."
            ) from error

    def open(self, name: str, *, create: bool = False) -> LockedFile:
        """Open a file for reading and writing. Raises FileNotFoundError without `create`."""
        path = self._prefix + name
        try:
            return LockedFile(_open_plain(path, create=create))
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
                raise
            raise InvalidInput(
                f"{path} cannot serve as a lock file: {error.strerror}; remove it, or name another directory in "
                "QHAS_LEASES."
            ) from error

    def names(self) -> list[str]:
        """The files there are."""
        return os.listdir(self._prefix)  # noqa: PTH208

    def changed(self) -> int:
        """When it last gained or lost a file, in nanoseconds, as finely as the file system tells."""
        return os.stat(self._prefix).st_mtime_ns  # noqa: PTH116

    def remove(self, name: str) -> None:
        """Remove a file if it is there and ours."""
        with suppress(FileNotFoundError, PermissionError):
            (self.path / name).unlink()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the directory's mutex, blocking the thread until it is free. Only for moments."""
        with self.open("mutex", create=True) as mutex:
            mutex.lock()
            yield


def _open_plain(path: str, *, create: bool) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    while True:
        try:
            # Without O_CREAT: Linux refuses it for files of others in sticky directories (fs.protected_regular).
            descriptor = os.open(path, flags)
            break
        except FileNotFoundError:
            if not create:
                raise
        with suppress(FileExistsError):
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            os.fchmod(descriptor, 0o666)  # whatever the umask
            break
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file")
    return descriptor


@cache
def file_stem(address: str) -> str:
    """A file name for a device's address: readable, and another one for every address."""
    return f"{safe_name(address)}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"


class Quarantined(BaseModel):
    """Why and for how long a device is set aside."""

    reason: str
    since: AwareDatetime
    until: AwareDatetime
    """When it may be tried again, at the earliest."""
    failures: int
    """In a row, up to now."""


class _Record(BaseModel):
    failures: int = 0
    quarantined: Quarantined | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class QuarantineLog:
    """Failures in a row that devices are to blame for, and the devices set aside for them.

    At `threshold` failures a device is set aside for `first_period_seconds`. After that it is on probation: one
    failure sets it aside for twice as long as before, up to `longest` seconds; one success clears it. Any number of
    processes may note at once. A file that cannot be read counts as absent, and one that cannot be written is
    logged: a run never fails for the bookkeeping.
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
        """Count a failure that the device is to blame for. Returns how it is set aside now, if it is.

        A failure while it is set aside, such as one of a run begun before, prolongs nothing.
        """
        now = self._clock()
        record = _Record()
        try:
            self._shared.create()
            with self._shared.open(_name(address), create=True) as file:
                file.lock()
                record = self._after_failure(_parse(file.read()), reason[:_LONGEST_REASON], now)
                file.write(record.model_dump_json())
        except (OSError, InvalidInput) as error:
            _logger.warning("A failure of %s could not be noted: %s", address, error)
        return record.quarantined

    def note_success(self, address: str) -> bool:
        """Forget the failures: it is healthy and finished its work. Whether it had been set aside."""
        try:
            with self._shared.open(_name(address)) as file:
                file.lock()
                record = _parse(file.read())
                file.clear()
        except FileNotFoundError:
            return False
        except (OSError, InvalidInput) as error:
            _logger.warning("A success of %s could not be noted: %s", address, error)
            return False
        return record.quarantined is not None

    def status(self, address: str) -> Quarantined | None:
        """How it is set aside now; nothing once its period is over and it may be tried."""
        entry = self.entry(address)
        return entry if entry and self._clock() < entry.until else None

    def entry(self, address: str) -> Quarantined | None:
        """How it was set aside last, if no success has been noted since."""
        try:
            with self._shared.open(_name(address)) as file:
                file.lock(shared=True)
                return _parse(file.read()).quarantined
        except (OSError, InvalidInput):
            return None

    def _after_failure(self, record: _Record, reason: str, now: datetime) -> _Record:
        failures, before = record.failures + 1, record.quarantined
        if before and now < before.until:
            return _Record(failures=failures, quarantined=before.model_copy(update={"failures": failures}))
        if not before and failures < self._threshold:
            return _Record(failures=failures)
        period = min(2 * (before.until - before.since) if before else self._first, self._longest)
        return _Record(
            failures=failures,
            quarantined=Quarantined(reason=reason, since=now, until=now + period, failures=failures),
        )


def _name(address: str) -> str:
    return f"{file_stem(address)}.quarantine"


def _parse(line: bytes) -> _Record:
    try:
        return _Record.model_validate_json(line)
    except ValidationError:
        return _Record()
