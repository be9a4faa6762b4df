"""A directory shared by the users of a host, and files in it that are locked and hold one line."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from qhas.failures import InvalidInput
from qhas.machine.process_identity import holders_of_lock, name_of_user
from qhas.naming import safe_name

DIRECTORY_VARIABLE = "QHAS_LEASES"
_RUN_LOCK = Path("/run/lock/qhas")
# Not TMPDIR: it may differ between the processes of a host, which have to meet.
_TEMPORARY = Path("/tmp/qhas-leases")  # noqa: S108  # opened without following links

LOCK_SECONDS = 30.0
"""How long to wait for a lock that is only held for moments."""
_RETRY_SECONDS = 0.002
_LONGEST_LINE = 64 * 1024
_open_files: set[int] = set()


def default_directory() -> Path:
    """Return where the processes of this host meet: QHAS_LEASES, else below /run/lock if writable, else /tmp."""
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
    """An open file with its own flock, even against others in this process, and one line of text."""

    def __init__(self, descriptor: int, path: str) -> None:
        self._descriptor = descriptor
        self._path = path
        _open_files.add(descriptor)

    def __enter__(self) -> LockedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lock(self, seconds: float = LOCK_SECONDS) -> None:
        """Wait for the lock, blocking the thread. Raises InvalidInput as `refuse_holder` does when the time is up."""
        deadline = time.monotonic() + seconds
        while not self.try_lock():
            if time.monotonic() >= deadline:
                self.refuse_holder(seconds)
            time.sleep(_RETRY_SECONDS)

    def try_lock(self) -> bool:
        """Acquire the lock if it is free; return whether it is ours now."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def refuse_holder(self, seconds: float) -> NoReturn:
        """Raise InvalidInput, naming the process that has held the lock for this many seconds."""
        raise InvalidInput(
            f"{self._path} has been locked for {seconds:g} s by {self.holder()}, although it should only be held "
            f"briefly: terminate that process, or set {DIRECTORY_VARIABLE} to another directory."
        )

    def holder(self) -> str:
        """Return the process that holds the lock, as reported by the system."""
        return holders_of_lock(self._descriptor)

    def read(self) -> bytes:
        """Return the line; empty if there is none."""
        return os.pread(self._descriptor, _LONGEST_LINE, 0).partition(b"\n")[0]

    def write(self, line: str) -> None:
        """Replace the old line. A crash leaves one of the two: what follows a line is not read."""
        data = line.encode() + b"\n"
        os.pwrite(self._descriptor, data, 0)
        os.ftruncate(self._descriptor, len(data))

    def clear(self) -> None:
        """Remove the line."""
        os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Release the lock and close the file."""
        if self._descriptor in _open_files:
            _open_files.remove(self._descriptor)
            # A child between fork and exec has the file open too: closing alone would keep it locked for that time.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)


class SharedDirectory:
    """A directory whose files every user of the host may lock and write.

    Links and devices are not followed: such a file raises InvalidInput. Files are rewritten in place, because in a
    sticky directory nobody can replace or remove the files of others. A directory that belongs to
    neither root nor this user is used only if QHAS_LEASES names it: its owner could take away everyone's locks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._prefix = f"{path}/"  # joining paths would be most of a poll's cost

    def create(self) -> None:
        """Create the directory if missing. Raises InvalidInput if it cannot be, or if others could tamper with it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir()
            self.path.chmod(0o1777)
        except FileExistsError:
            pass
        except OSError as error:
            raise InvalidInput(
                f"The directory for device leases cannot be created: {error}; set QHAS_LEASES to another one."
            ) from error
        if objection := _objection(self.path):
            raise InvalidInput(f"{self.path} {objection}")

    def open(self, name: str, *, create: bool = False) -> LockedFile:
        """Open a file for reading and writing. Raises FileNotFoundError without `create`."""
        path = self._prefix + name
        try:
            return LockedFile(_open_plain(path, create=create), path)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE):
                raise
            raise InvalidInput(
                f"{path} cannot serve as a lock file: {error.strerror}{_owner(path)}; remove it, or set "
                "QHAS_LEASES to another directory."
            ) from error

    def names(self) -> list[str]:
        """Return the names of its files."""
        return os.listdir(self._prefix)  # noqa: PTH208

    def changed(self) -> int:
        """Return when it last gained or lost a file, in nanoseconds, at the file system's resolution."""
        return os.stat(self._prefix).st_mtime_ns  # noqa: PTH116

    def remove(self, name: str) -> None:
        """Remove a file if it is there and ours."""
        with suppress(FileNotFoundError, PermissionError):
            (self.path / name).unlink()

    @contextmanager
    def alone(self, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        """Hold the directory's mutex, blocking the thread until it is free. Only for moments. Raises InvalidInput."""
        with self.open("mutex", create=True) as mutex:
            mutex.lock(seconds)
            yield

    @asynccontextmanager
    async def alone_in_loop(self, seconds: float = LOCK_SECONDS) -> AsyncIterator[None]:
        """Do as `alone`, without blocking the loop while another process has the mutex. The body must not await."""
        with self.open("mutex", create=True) as mutex:
            deadline = time.monotonic() + seconds
            while not mutex.try_lock():
                if time.monotonic() >= deadline:
                    mutex.refuse_holder(seconds)
                await asyncio.sleep(_RETRY_SECONDS)
            yield


def _objection(path: Path) -> str | None:
    """Return why others could take away the locks of this user, and what to do."""
    facts = path.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        return "is not a directory but should be the one for device leases: remove it, or set QHAS_LEASES to another one."
    if _anyone_replaces(facts):
        return f"lets anyone remove the locks of others: run `chmod +t {path}`, or set QHAS_LEASES to another directory."
    if os.environ.get(DIRECTORY_VARIABLE) == str(path):  # naming it vouches for its owner and parents
        return None
    if facts.st_uid not in (0, os.geteuid()):
        return (
            f"belongs to {name_of_user(facts.st_uid)}, who could remove the device leases of others: let root create "
            f"it (`install -d -m 1777 {path}`), or, if you trust that user, set QHAS_LEASES={path}."
        )
    if loose := next((parent for parent in path.absolute().parents if _anyone_replaces(parent.stat())), None):
        return (
            f"can be replaced by anyone, because {loose} is not sticky: run `chmod +t {loose}`, or, if only you are "
            f"on this host, set QHAS_LEASES={path}."
        )
    return None


def _anyone_replaces(directory: os.stat_result) -> bool:
    return bool(directory.st_mode & stat.S_IWOTH) and not directory.st_mode & stat.S_ISVTX


def _owner(path: str) -> str:
    try:
        owner = os.lstat(path).st_uid
    except OSError:
        return ""
    return "" if owner == os.geteuid() else f" (it belongs to {name_of_user(owner)})"


def _open_plain(path: str, *, create: bool) -> int:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
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
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:  # another name may be any file of its owner
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a plain file with one name")
    return descriptor


@cache
def file_stem(address: str) -> str:
    """Return a file name for a device's address: readable, and different for every address."""
    return f"{safe_name(address)}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"
