"""How files are packed and written whole."""

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
    """Compress with no time and no name inside, so that equal files stay equal."""
    with source.open("rb") as plain, target.open("wb") as sink, _packing(sink) as packed:
        shutil.copyfileobj(plain, packed, _CHUNK)
    return target


@contextmanager
def packed_copy(source: Path, folder: Path | None, turn: AbstractContextManager[object]) -> Iterator[Path]:
    """What `gzipped` makes of a file, in a folder, else in TMPDIR, until the block ends. It is packed within a turn."""
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
    """The bytes that `gzipped` makes of a file with these."""
    sink = BytesIO()
    with _packing(sink) as packed:
        packed.write(content)
    return sink.getvalue()


def _packing(sink: IO[bytes]) -> gzip.GzipFile:
    return gzip.GzipFile(filename="", fileobj=sink, mode="wb", compresslevel=6, mtime=0)


def partial_of(target: Path) -> Path:
    """Where the bytes of a file arrive before it is whole: beside it, another place for every writer."""
    beginning = target.name[:40]  # the whole name may be as long as one can be
    return target.with_name(f"{beginning}.{secrets.token_hex(8)}.partial")


@contextmanager
def arriving(target: Path) -> Iterator[Path]:
    """Where to write a file that is at `target` when the block has ended, and nowhere if it raises."""
    partial = partial_of(target)
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_renamed(target: Path, content: bytes) -> None:
    """Write a file that readers see whole or not at all while the host lives, as scratch space does not outlive it."""
    with arriving(target) as partial:
        partial.write_bytes(content)


def sync(path: Path) -> None:
    """Return when a file or a directory is on the disk: what is renamed or written later cannot outlive it in a crash."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: str, content: bytes, *, replace: bool = True) -> None:
    """Write a local file that readers see whole or not at all, also after a crash of the host.

    Raises FileExistsError if it is not to be replaced.
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
