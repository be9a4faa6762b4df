"""Limits on what is read from outside: files, zip directories, packed and declared sizes. Beyond them is an error.

The library has its own limits (`qhas/outside_bytes.py`): the host SDK stands alone, as the vendor's does, and imports
nothing from the library; and tools answer in the vendor's error codes.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGEST_DIRECTORY = 4 << 20
"""Bytes of a zip's directory: some forty thousand records."""
LARGEST_UNPACKED = 256 << 20
"""Bytes that a packed record may unpack to: DLC writers store their records, and pack only small ones."""
LARGEST_LOG = 1 << 30
"""Bytes of a profiling log, or of a schematic."""
LARGEST_TEXT = 16 << 20
"""Bytes of what users write: input lists and configurations."""
DAMAGED_ZIP = (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError, RuntimeError)
"""What `zipfile` raises for damaged directories and for records that are encrypted or packed in unsupported ways."""


def read_file(path: Path, largest: int) -> bytes:
    """Read a regular file of at most `largest` bytes; never wait for a writer of a pipe. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        content = file.read(largest + 1) if facts.st_size <= largest else b""
    if max(len(content), facts.st_size) > largest:
        raise OSError(errno.EFBIG, f"it is over {largest >> 20} MB", str(path))
    return content


def inflate(content: bytes, largest: int = LARGEST_UNPACKED, wbits: int = zlib.MAX_WBITS) -> bytes:
    """Unpack what zlib packed. Raises zlib.error unless it is complete and has at most `largest` bytes."""
    stream = zlib.decompressobj(wbits)
    plain = stream.decompress(content, largest + 1)
    if len(plain) > largest:
        raise zlib.error(f"it unpacks to over {largest >> 20} MB")
    if not stream.eof:
        raise zlib.error("it is cut off")
    return plain


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file whose directory has at most `LARGEST_DIRECTORY` bytes.

    Raises OSError, and what `DAMAGED_ZIP` lists.
    """
    with _Bounded(path) as file, zipfile.ZipFile(file) as archive:
        file.largest = None
        _require_distinct(archive)
        yield archive


def _require_distinct(archive: zipfile.ZipFile) -> None:
    """Refuse two records of the same name: readers differ in which they use, so a different one might run."""
    seen = set[str]()
    for name in archive.namelist():
        if name in seen:
            raise zipfile.BadZipFile(f"its record {name[:100]!r} appears twice")
        seen.add(name)


class _Bounded(io.FileIO):
    """Refuses reads larger than a directory may be: `zipfile` reads one at once, whatever size it declares."""

    largest: int | None = LARGEST_DIRECTORY

    def __init__(self, path: Path) -> None:
        super().__init__(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
        if not stat.S_ISREG(os.fstat(self.fileno()).st_mode):
            self.close()
            raise OSError(errno.EINVAL, "it is no regular file", str(path))

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.FileIO.read`."""
        if self.largest is not None and size is not None and size > self.largest:
            raise zipfile.BadZipFile(f"its directory is over {self.largest >> 20} MB")
        return super().read(-1 if size is None else size) or b""
