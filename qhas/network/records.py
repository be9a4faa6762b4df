"""Records of a DLC, which is a zip of stored members whose CRC fields may be 0."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO

from qhas.outside_bytes import shown_limit

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,  # a compression that Python does not support
    RuntimeError,  # an encrypted record
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)
"""The exceptions raised for damaged bytes, and for content of an unexpected shape."""


def open_record(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """Open a record for reading. Raises ValueError if it is packed as no DLC is, KeyError if it does not exist."""
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"its record {name[:100]!r} is compressed in a way not used in DLCs")
    record = archive.open(name)
    record._expected_crc = None  # type: ignore[attr-defined]  # written as 0 by the vendor's library
    return record


def read_record(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """Read a record of at most `largest` bytes. Raises as `open_record` does, and ValueError for a larger one."""
    with open_record(archive, name) as record:
        content = record.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"its record {name[:100]!r} is over {shown_limit(largest)}")
    return content


def why_unreadable(error: BaseException) -> str:
    """Return the reason, as the rest of a sentence that begins with the DLC's name."""
    return (
        str(error)
        if isinstance(error, OSError | ValueError | zipfile.BadZipFile)
        else "its records are damaged"
    )
