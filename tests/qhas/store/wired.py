"""Files for stores over the wire, and the faults of the wire."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fakes.s3 import Fault, Wire
from qhas.store.s3 import PART

LARGE = PART + 5_000_000


def file_of(folder: Path, size: int, name: str = "trace.bin") -> Path:
    """A file whose bytes do not repeat."""
    path = folder / name
    path.write_bytes(hashlib.shake_128(name.encode()).digest(size))
    return path


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def struck(wire: Wire) -> list[Fault]:
    """The faults that have occurred."""
    return [fault for _, _, fault in wire.requests if fault]
