"""Compressing files and writing them atomically."""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

_CHUNK = 1 << 20


def gzipped(source: Path, target: Path) -> Path:
    """Compress a file without a time or a name inside, so that equal files stay equal."""
    with source.open("rb") as plain, target.open("wb") as sink, _packing(sink) as packed:
        shutil.copyfileobj(plain, packed, _CHUNK)
    return target


@contextmanager
def packed_copy(source: Path, folder: Path | None, turn: AbstractContextManager[object]) -> Iterator[Path]:
    """Yield a `gzipped` copy of a file in a folder, else in TMPDIR, that exists until the block ends.

    It is packed within `turn`.
    """
    descriptor, name = tempfile.mkstemp(".gz", "qhas-upload-", folder)
    os.close(descriptor)
    packed = Path(name)
    try:
        with turn:
            gzipped(source, packed)
        yield packed
    finally:
        packed.unlink(missing_ok=True)


def gzipped_bytes(content: bytes) -> bytes:
    """Return the bytes that `gzipped` writes for a file with this content."""
    sink = BytesIO()
    with _packing(sink) as packed:
        packed.write(content)
    return sink.getvalue()


def _packing(sink: IO[bytes]) -> gzip.GzipFile:
    return gzip.GzipFile(filename="", fileobj=sink, mode="wb", compresslevel=6, mtime=0)


def partial_of(target: Path) -> Path:
    """Return where a file's bytes go until it is complete: beside it, in a different place for every writer."""
    beginning = target.name[:40]  # the whole name may already have the maximum length
    return target.with_name(f"{beginning}.{secrets.token_hex(8)}.partial")


@contextmanager
def arriving(target: Path) -> Iterator[Path]:
    """Yield where to write a file that is moved to `target` when the block has ended, or removed if it raises."""
    partial = partial_of(target)
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_renamed(target: Path, content: bytes) -> None:
    """Write a file so that readers see all of it or nothing while the host lives: scratch space does not outlive it."""
    with arriving(target) as partial:
        partial.write_bytes(content)


def sync(path: Path) -> None:
    """Wait until a file or directory is on disk: what is renamed or written later cannot outlive it in a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: str, content: bytes, *, replace: bool = True) -> None:
    """Write a local file so that readers see all of it or nothing, even after a crash of the host.

    Raises FileExistsError if it exists and is not to be replaced.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(Path(path))
    try:
        partial.write_bytes(content)
        sync(partial)
        if replace:
            partial.replace(path)
        else:
            Path(path).hardlink_to(partial)
    finally:
        partial.unlink(missing_ok=True)
