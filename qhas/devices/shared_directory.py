"""A directory that the users of a host share, and files in it that are locked and hold one line."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from qhas.failures import InvalidInput
from qhas.naming import safe_name

DIRECTORY_VARIABLE = "QHAS_LEASES"
_RUN_LOCK = Path("/run/lock/qhas")
# Not TMPDIR: it may differ between the processes of a host, and they must meet.
_TEMPORARY = Path("/tmp/qhas-leases")  # noqa: S108  # opened without following links

_LONGEST_LINE = 64 * 1024
_open_files: set[int] = set()


def default_directory() -> Path:
    """Where the processes of this host meet: QHAS_LEASES, else below /run/lock if one may write there, else /tmp."""
    if named := os.environ.get(DIRECTORY_VARIABLE):
        return Path(named)
    writable = _RUN_LOCK if _RUN_LOCK.exists() else _RUN_LOCK.parent
    return _RUN_LOCK if os.access(writable, os.W_OK | os.X_OK) else _TEMPORARY


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
