"""Writing the viewer's files: all of them appear complete, or none does."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

from hostsdk.errors import Refusal

_GZIP_SUFFIX = ".gz"
_JSON_SUFFIX = ".json"
_GZIP_LEVEL = 6
_PIECES_AT_ONCE = 2048


class OutputError(Refusal):
    """The files cannot be written where --output points."""


def stem(output: Path) -> str:
    """Return the name that the companions of `output` begin with: its own without `.gz` and `.json`."""
    return output.name.removesuffix(_GZIP_SUFFIX).removesuffix(_JSON_SUFFIX)


def is_compressed(output: Path) -> bool:
    """Whether the name asks for compression."""
    return output.name.endswith(_GZIP_SUFFIX)


def write_all(directory: Path, files: Mapping[str, Iterable[str]], compress: bool) -> list[Path]:
    """Write texts by file name into `directory`, which must exist, and return their paths.

    With `compress`, each is compressed and named `.gz`, as the vendor's viewer does. All are written to a scratch
    directory inside `directory` and renamed at the end. Raises `OutputError` when that fails.
    """
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".qnn-profile-viewer-", dir=directory))
    except OSError as fault:
        raise OutputError(
            f"Nothing can be written to {directory} ({fault.strerror}); give --output a path in a writable directory."
        ) from fault
    try:
        written = [_write(scratch, name, pieces, compress) for name, pieces in files.items()]
        return [path.replace(directory / path.name) for path in written]
    except OSError as fault:
        raise OutputError(f"The outputs could not be written to {directory} ({fault.strerror}).") from fault
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(scratch: Path, name: str, pieces: Iterable[str], compress: bool) -> Path:
    if not compress:
        path = scratch / name
        with path.open("wb") as file:
            _copy(pieces, file)
        return path
    path = scratch / (name + _GZIP_SUFFIX)
    # Without a time stamp and a name inside, the same input gives the same bytes.
    with path.open("wb") as file, gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
        _copy(pieces, cast(BinaryIO, packed))
    return path


def _copy(pieces: Iterable[str], file: BinaryIO) -> None:
    block: list[str] = []
    for piece in pieces:
        block.append(piece)
        if len(block) == _PIECES_AT_ONCE:
            file.write("".join(block).encode())
            block.clear()
    file.write("".join(block).encode())
