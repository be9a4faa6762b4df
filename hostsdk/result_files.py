"""Where net-run puts output tensors: Result_<inference>/<tensor>.raw."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

_UP = ("", ".", "..")
_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories of characters that break a line or control a terminal."""
_LONGEST_PART = 200
"""The most bytes that are kept of a part; file systems accept 255."""
_LONGEST_FOLDER = 1000
"""The most bytes of folders that are kept; Linux accepts 4096 for a whole path."""


def result_files(inference: int, tensors: Iterable[str]) -> dict[str, PurePosixPath]:
    """Return a path below the output directory for each tensor, no two alike and none a folder of another.

    A `/` in a name makes folders; no name leads out of the result's own. If two names would collide, the later tensor's
    file is numbered.
    """
    files: dict[str, PurePosixPath] = {}
    for tensor in tensors:
        path = plain = _path(inference, tensor)
        numbers = itertools.count(2)
        while _meets(path, files.values()):
            path = PurePosixPath(plain.parts[0], f"{plain.stem}-{next(numbers)}.raw")
        files[tensor] = path
    return files


def _path(inference: int, tensor: str) -> PurePosixPath:
    *folders, name = [folder_name(part) for part in tensor.strip("/").split("/")]
    kept = folders if len("/".join(folders).encode()) <= _LONGEST_FOLDER else []
    return PurePosixPath(f"Result_{inference}", *kept, f"{name}.raw")


def folder_name(part: str) -> str:
    """Make a name safe as one part of a path."""
    shown = "".join("_" if unicodedata.category(c) in _UNSHOWN or c in "\\/" else c for c in part)
    shown = shown.encode()[:_LONGEST_PART].decode(errors="ignore")
    return "_" if shown in _UP else shown


def _meets(path: PurePosixPath, taken: Iterable[PurePosixPath]) -> bool:
    return any(path == other or path in other.parents or other in path.parents for other in taken)
