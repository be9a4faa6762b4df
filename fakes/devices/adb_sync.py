"""The phone's file transfers, with the error texts of adbd's file_sync_service.cpp."""

import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from .adb_connection import Stream
from .adb_protocol import SYNC_CHUNK, SYNC_REQUEST, SyncStat


class Transfer(Protocol):
    """The hook through which a transfer's data passes, where faults can strike."""

    async def pass_on(self, data: bytes) -> bytes:
        """Return the data as it arrives at the other side. Does not return once the transfer is cut."""

    def end(self, exit_code: int | None) -> None:
        """Record the end of the transfer: 0 for success, 1 if the client gets an error, None if it was cut."""


BeginTransfer = Callable[[Stream, str], Awaitable[Transfer]]


class SyncFailure(Exception):
    """The message sent to the client before the session ends."""


class SyncSession:
    """One `sync:` stream; `begin` is called for every push and pull."""

    def __init__(self, stream: Stream, begin: BeginTransfer) -> None:
        self._stream = stream
        self._begin = begin
        self._buffer = b""

    async def run(self) -> None:
        """Serve requests until QUIT or a failure. Raises StreamClosed when the client goes away."""
        answers = {
            b"STAT": self._stat,
            b"LST2": self._stat_link_v2,
            b"STA2": self._stat_v2,
            b"LIST": self._list,
            b"SEND": self._take,
            b"RECV": self._give,
        }
        try:
            while True:
                request, length = SYNC_REQUEST.unpack(await self._exactly(SYNC_REQUEST.size))
                if request == b"QUIT":
                    return
                if request not in answers:
                    raise SyncFailure(f"unknown command {request!r}")
                if length > 1024:
                    raise SyncFailure("path too long")
                await answers[request]((await self._exactly(length)).decode(errors="surrogateescape"))
        except SyncFailure as failure:
            text = str(failure).encode()
            await self._stream.write(SYNC_REQUEST.pack(b"FAIL", len(text)) + text)

    async def _exactly(self, count: int) -> bytes:
        parts = [self._buffer]
        have = len(self._buffer)
        while have < count:
            parts.append(await self._stream.read())
            have += len(parts[-1])
        data = b"".join(parts)
        self._buffer = data[count:]
        return data[:count]

    async def _stat(self, path: str) -> None:
        try:
            found = os.lstat(path)
        except OSError:
            await self._stream.write(SyncStat.V1.pack(b"STAT", 0, 0, 0))
            return
        size = found.st_size & 0xFFFFFFFF
        await self._stream.write(SyncStat.V1.pack(b"STAT", found.st_mode, size, int(found.st_mtime)))

    async def _stat_link_v2(self, path: str) -> None:
        await self._stream.write(_stat_v2(b"LST2", path, follow=False))

    async def _stat_v2(self, path: str) -> None:
        await self._stream.write(_stat_v2(b"STA2", path, follow=True))

    async def _list(self, path: str) -> None:
        try:
            entries = [(entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir(path)]
        except OSError:
            entries = []
        for name, found in [(".", None), ("..", None), *entries] if entries else []:
            mode, size, modified = (
                (found.st_mode, found.st_size, int(found.st_mtime)) if found else (0o40755, 0, 0)
            )
            encoded = os.fsencode(name)
            await self._stream.write(
                SyncStat.ENTRY.pack(b"DENT", mode, size & 0xFFFFFFFF, modified, len(encoded)) + encoded
            )
        await self._stream.write(SyncStat.ENTRY.pack(b"DONE", 0, 0, 0, 0))

    async def _give(self, path: str) -> None:
        transfer = await self._begin(self._stream, f"pull {path}")
        with _ended(transfer), _opened(path) as file:
            while data := _read(file):
                data = await transfer.pass_on(data)
                await self._stream.write(SYNC_REQUEST.pack(b"DATA", len(data)) + data)
        await self._stream.write(SYNC_REQUEST.pack(b"DONE", 0))

    async def _take(self, spec: str) -> None:
        path, _, mode = spec.rpartition(",")
        if not path or not mode.isdigit():
            raise SyncFailure("missing , in ID_SEND")
        transfer = await self._begin(self._stream, f"push {path}")
        with _ended(transfer):
            modified = await self._store(path, int(mode), transfer)
            os.utime(path, (modified, modified), follow_symlinks=False)
        await self._stream.write(SYNC_REQUEST.pack(b"OKAY", 0))

    async def _store(self, path: str, mode: int, transfer: Transfer) -> int:
        """Store a push and return its modification time. A file that did not arrive completely is removed."""
        whole = False
        try:
            if stat.S_ISLNK(mode):
                modified = await self._store_link(path, transfer)
            else:
                modified = await self._store_file(path, mode, transfer)
            whole = True
        except _Refused as refused:
            await self._discard()
            raise SyncFailure(str(refused)) from None
        finally:
            if not whole:
                _remove_remains(path)
        return modified

    async def _store_file(self, path: str, mode: int, transfer: Transfer) -> int:
        with _created(path) as file:
            while True:
                kind, number = await self._next_data()
                if kind == b"DONE":
                    os.fchmod(file.fileno(), _mode(mode))
                    return number
                data = await transfer.pass_on(await self._exactly(number))
                _write(file, data)

    async def _store_link(self, path: str, transfer: Transfer) -> int:
        _, length = await self._next_data()
        target = (await transfer.pass_on(await self._exactly(length))).rstrip(b"\0")
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            _unlink(path)
            _link(path, os.fsdecode(target))
        except OSError as error:
            raise _Refused("symlink failed", error) from None
        _, modified = await self._next_data()
        return modified

    async def _next_data(self) -> tuple[bytes, int]:
        kind, number = SYNC_REQUEST.unpack(await self._exactly(SYNC_REQUEST.size))
        if kind not in (b"DATA", b"DONE"):
            raise SyncFailure("invalid data message")
        if kind == b"DATA" and number > SYNC_CHUNK:
            raise SyncFailure("oversize data message")
        return kind, number

    async def _discard(self) -> None:
        """Read and drop what the client still sends: it looks for an answer only after its last chunk."""
        while True:
            kind, number = await self._next_data()
            if kind == b"DONE":
                return
            await self._exactly(number)


class _Refused(Exception):
    """The file system refused a push; the client is still sending its data."""

    def __init__(self, what: str, error: OSError) -> None:
        super().__init__(f"{what}: {error.strerror}")


@contextmanager
def _ended(transfer: Transfer) -> Iterator[None]:
    code = None
    try:
        yield
        code = 0
    except SyncFailure:
        code = 1
        raise
    finally:
        transfer.end(code)


def _stat_v2(request: bytes, path: str, *, follow: bool) -> bytes:
    try:
        s = Path(path).stat(follow_symlinks=follow)
    except OSError as error:
        return SyncStat.V2.pack(request, error.errno or 0, *[0] * 10)
    owner = (s.st_mode, s.st_nlink, s.st_uid, s.st_gid)
    times = (int(s.st_atime), int(s.st_mtime), int(s.st_ctime))
    return SyncStat.V2.pack(request, 0, s.st_dev, s.st_ino, *owner, s.st_size, *times)


def _opened(path: str) -> BinaryIO:
    try:
        return open(path, "rb", buffering=0)  # noqa: PTH123
    except OSError as error:
        raise SyncFailure(f"open failed: {error.strerror}") from None


def _read(file: BinaryIO) -> bytes:
    try:
        return file.read(SYNC_CHUNK)
    except OSError as error:
        raise SyncFailure(f"read failed: {error.strerror}") from None


def _write(file: BinaryIO, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise _Refused("write failed", error) from None


def _created(path: str) -> BinaryIO:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _Refused("secure_mkdirs failed", error) from None
    try:
        if _replaceable(path):
            _unlink(path)
        return open(path, "xb" if _replaceable(path) else "wb", buffering=0)  # noqa: PTH123
    except OSError as error:
        raise _Refused("couldn't create file", error) from None


def _replaceable(path: str) -> bool:
    """Whether a push can replace what is at the path: adbd removes files and links, and nothing else."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return True
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _link(path: str, target: str) -> None:
    Path(path).symlink_to(target)


def _remove_remains(path: str) -> None:
    with suppress(OSError):
        if _replaceable(path):
            _unlink(path)


def _unlink(path: str) -> None:
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return


def _mode(mode: int) -> int:
    """Copy the user's bits to group and others, as Android does."""
    mode &= 0o777
    mode |= (mode >> 3) & 0o070
    return mode | (mode >> 3) & 0o007
