"""Files and packed bytes from outside, read up to a limit: input that blocks, or never ends, is refused."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

LARGEST_DIRECTORY = 4 << 20
"""Maximum bytes of a zip's directory: some forty thousand records."""
_CHUNK = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS
"""zlib's code for a member of a gzip file, with its header, checksum and length."""


class Unbounded(OSError):
    """Not a regular file, or beyond a limit. The message continues a sentence that begins with the file's name."""


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. Never waits for a pipe's writer.

    Raises Unbounded, and other kinds of OSError if it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unbounded("it is not a regular file; name one")
    return os.fdopen(descriptor, "rb")


def read_file(path: Path, largest: int) -> bytes:
    """Return the bytes of a regular file of at most `largest`. Raises Unbounded and OSError, as `open_regular` does."""
    with open_regular(path) as file:
        content = file.read(largest + 1) or b""  # None for a kernel file that has no data yet
    if len(content) > largest:
        raise Unbounded(f"it is over {shown_limit(largest)}, the maximum for such a file")
    return content


def unpack(content: bytes, largest: int) -> bytes:
    """Unpack gzip data to at most `largest` bytes. Raises Unbounded; EOFError and OSError for damaged data."""
    member = zlib.decompressobj(_GZIP)
    try:
        whole = member.decompress(content, largest + 1)
    except zlib.error as error:
        raise OSError(f"its gzip data are damaged: {error}") from error
    if len(whole) > largest:
        raise _endless(largest)
    if member.eof and not member.unused_data:
        return whole
    return _unpack_in_parts(content, largest)


def _unpack_in_parts(content: bytes, largest: int) -> bytes:
    """Unpack data with several members, padding or no end.

    Unpacking member by member would copy all that follows each of them.
    """
    parts, size = list[bytes](), 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            while part := packed.read(_CHUNK):
                if (size := size + len(part)) > largest:
                    raise _endless(largest)
                parts.append(part)
    except zlib.error as error:
        raise OSError(f"its gzip data are damaged: {error}") from error
    return b"".join(parts)


def _endless(largest: int) -> Unbounded:
    return Unbounded(f"it unpacks to over {shown_limit(largest)}, the maximum for such a file")


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose directory has at most `LARGEST_DIRECTORY` bytes. Raises what `zipfile` does."""
    with _Bounded(path) as file, zipfile.ZipFile(file) as archive:
        file.largest = None
        _require_distinct(archive)
        yield archive


def _require_distinct(archive: zipfile.ZipFile) -> None:
    """Refuse records of the same name: each reader picks a different one.

    What is inspected would then differ from what runs.
    """
    seen = set[str]()
    for name in archive.namelist():
        if name in seen:
            raise zipfile.BadZipFile(f"its record {name[:100]!r} appears twice")
        seen.add(name)


class _Bounded(io.FileIO):
    """Refuses reads larger than a directory may be: `zipfile` reads one at once, at whatever size is declared."""

    largest: int | None = LARGEST_DIRECTORY

    def __init__(self, path: Path) -> None:
        super().__init__(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
        if not stat.S_ISREG(os.fstat(self.fileno()).st_mode):
            self.close()
            raise Unbounded("it is not a regular file; name one")

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as `io.FileIO.read` does, within the limit."""
        if self.largest is not None and size is not None and size > self.largest:
            raise zipfile.BadZipFile(f"its directory is over {shown_limit(self.largest)}")
        return super().read(-1 if size is None else size) or b""


def shown_limit(size: int) -> str:
    """Return a limit in bytes as text, in the largest binary unit that it fills."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
