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
    NotImplementedError,  # a compression Python does not know
    RuntimeError,  # an encrypted record
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)
"""What damaged bytes, and content of another shape, end in."""


def open_record(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A record to read from. Raises ValueError for one that is packed as no DLC's is, KeyError for one that is not there."""
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"its record {name[:100]!r} is packed in a way that no DLC is")
    record = archive.open(name)
    record._expected_crc = None  # type: ignore[attr-defined]  # written as 0 by the vendor's library
    return record


def read_record(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    """A record's content of at most `largest` bytes. Raises as above, and ValueError for a larger one."""
    with open_record(archive, name) as record:
        content = record.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f"its record {name[:100]!r} is over {shown_limit(largest)}")
    return content


def why_unreadable(error: BaseException) -> str:
    """The rest of a sentence that begins with the DLC's name."""
    return (
        str(error)
        if isinstance(error, OSError | ValueError | zipfile.BadZipFile)
        else "its records are damaged"
    )
