"""Files and packed bytes from outside, read up to a limit: what never ends, blocks or unpacks without end is refused."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from pathlib import Path

_CHUNK = 1 << 20


class Unbounded(OSError):
    """No regular file, or more than a limit. The message is the rest of a sentence that begins with its name."""


def read_file(path: Path, largest: int) -> bytes:
    """The bytes of a regular file of at most `largest`. Never waits for a writer of a pipe.

    Raises Unbounded, and other kinds of OSError for what cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unbounded("it is no regular file; name one")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    finally:
        os.close(descriptor)
    if len(content) > largest:
        raise Unbounded(f"it is over {shown_limit(largest)}, the most that is read of such a file")
    return content


def unpack(content: bytes, largest: int) -> bytes:
    """What gzip packed, of at most `largest` bytes. Raises Unbounded; EOFError and OSError for damaged data."""
    parts, size = list[bytes](), 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            while part := packed.read(_CHUNK):
                if (size := size + len(part)) > largest:
                    raise Unbounded(
                        f"it unpacks to over {shown_limit(largest)}, the most that is read of such a file"
                    )
                parts.append(part)
    except zlib.error as error:
        raise OSError(f"its gzip data are damaged: {error}") from error
    return b"".join(parts)


def shown_limit(size: int) -> str:
    """A limit in bytes for people, in the largest binary unit that it fills."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
