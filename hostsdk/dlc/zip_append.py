"""Add a member to a zip archive without rewriting its directory.

DLC writers use 64-bit entries throughout. zipfile's append mode would rewrite them as 32-bit entries with leftover
64-bit extra fields, which breaks readers that trust the extra field (Netron's).
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from hostsdk.bounded import LARGEST_DIRECTORY

_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_VERSION = 45
_FIXED_DATE = (1 << 5) | 1
"""1980-01-01, so that equal content makes equal archives."""
_SEE_64 = 0xFFFFFFFF


def append_member(path: Path, name: str, content: bytes) -> None:
    """Append a stored member. Raises `zipfile.BadZipFile` when `path` does not end as a zip archive does."""
    with path.open("r+b") as file:
        count, directory, start = _directory(file)
        encoded = name.encode()
        crc, size = zlib.crc32(content), len(content)
        common = (_VERSION, 0, zipfile.ZIP_STORED, 0, _FIXED_DATE, crc, size, size, len(encoded), 0)
        file.seek(start)
        file.write(_LOCAL.pack(b"PK\x03\x04", *common) + encoded + content)
        _write_directory(file, count + 1, directory + _entry(common, encoded, start))
        file.truncate()


def _directory(file: BinaryIO) -> tuple[int, bytes, int]:
    """Return the number of entries, their bytes, and where they start."""
    end_at = file.seek(0, 2) - _END.size
    if end_at < 0:
        raise zipfile.BadZipFile("the file is too short")
    magic, _, _, _, count, size, start, comment = _END.unpack(_read(file, end_at, _END.size))
    if magic != b"PK\x05\x06" or comment:
        raise zipfile.BadZipFile("there is no end record")
    if start == _SEE_64:
        magic, _, end_64, _ = _LOCATOR_64.unpack(_read(file, end_at - _LOCATOR_64.size, _LOCATOR_64.size))
        if magic != b"PK\x06\x07":
            raise zipfile.BadZipFile("there is no 64-bit end record")
        *_, count, size, start = _END_64.unpack(_read(file, end_64, _END_64.size))
    return count, _read(file, start, size), start


def _entry(common: tuple[int, ...], name: bytes, start: int) -> bytes:
    """Return the directory's entry, with the member's start in a 64-bit extra field if it is beyond 4 GB."""
    extra = struct.pack("<2HQ", 1, 8, start) if start >= _SEE_64 else b""
    fields = (*common[:-1], len(extra), 0, 0, 0, 0, min(start, _SEE_64))
    return _ENTRY.pack(b"PK\x01\x02", _VERSION, *fields) + name + extra


def _write_directory(file: BinaryIO, count: int, directory: bytes) -> None:
    """Write the directory and its end records, including 64-bit ones, at the current position."""
    start = file.tell()
    end_64 = start + len(directory)
    file.write(directory)
    file.write(
        _END_64.pack(
            b"PK\x06\x06", _END_64.size - 12, _VERSION, _VERSION, 0, 0, count, count, len(directory), start
        )
    )
    file.write(_LOCATOR_64.pack(b"PK\x06\x07", 0, end_64, 1))
    file.write(_END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), _SEE_64, 0))


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    if at < 0:
        raise zipfile.BadZipFile("an end record is missing")
    if size > LARGEST_DIRECTORY:
        raise zipfile.BadZipFile(f"the directory is over {LARGEST_DIRECTORY >> 20} MB")
    file.seek(at)
    content = file.read(size)
    if len(content) != size:
        raise zipfile.BadZipFile("the directory is cut off")
    return content
