"""The files that hold weights of an ONNX, by its own account: `net.onnx.data`, `net.onnx_data` or any other name."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from qhas.naming import check_path

_LOCATION = re.compile(rb"\n\x08location\x12(?:([\x01-\x7f])|([\x80-\xff])([\x01-\x7f]))")
"""A StringStringEntryProto of `external_data` (onnx.proto): field 1 is the key, field 2 the value, here its length."""


def data_files(onnx: Path) -> list[str]:
    """Return their paths relative to the ONNX's folder, except those leading out of it, which no tool accepts."""
    if not onnx.stat().st_size:
        return []
    with onnx.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        places = [(entry.end(), _length(entry)) for entry in _LOCATION.finditer(content)]
        names = {content[start : start + size].decode(errors="replace") for start, size in places}
    return sorted(name.removeprefix("./") for name in names if _is_inside(name.removeprefix("./")))


def _length(entry: re.Match[bytes]) -> int:
    """Decode a varint of one or two bytes."""
    short, low, high = entry.groups()
    return ord(short) if short else ord(low) & 0x7F | ord(high) << 7


def _is_inside(name: str) -> bool:
    try:
        check_path(name)
    except ValueError:
        return False
    return True
