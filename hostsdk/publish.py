"""Scratch directories, and finished files moved from them into place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostsdk.errors import ErrorCode, ToolError


@contextmanager
def scratch_in(directory: Path) -> Iterator[Path]:
    """Make a hidden directory in `directory`, removed at the end. Raises `ToolError` (OUTPUT_WRITE) if it cannot."""
    try:
        path = Path(tempfile.mkdtemp(prefix=".hostsdk-", dir=directory)).resolve()
    except OSError as error:
        raise ToolError(
            ErrorCode.OUTPUT_WRITE, f"{directory} cannot be written to ({error.strerror}).", "Output"
        ) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def require_writable(directory: Path) -> None:
    """Raise `ToolError` (OUTPUT_WRITE) unless files can be made in `directory`."""
    with scratch_in(directory):
        pass


def publish(made: Path, target: Path) -> None:
    """Move `made`, a file or a directory, to `target` in one step, replacing what is there, even across filesystems."""
    with scratch_in(target.parent) as staging:
        staged = staging / target.name
        shutil.move(made, staged)
        if staged.is_file():
            staged.chmod(0o666 & ~_umask())  # the libraries' files are readable only within the owner's group
        if target.is_dir() and not target.is_symlink():
            target.rename(staging / f"{target.name}.old")
        staged.replace(target)


def _umask() -> int:
    """Return the process's mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
