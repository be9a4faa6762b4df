"""Another user of the host, as whom a test can act in a child process if it runs as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAME = "nobody"
_PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable


def acts(code: str, *arguments: object) -> None:
    """Run Python code as the other user. Raises CalledProcessError if it fails."""
    subprocess.run(_argv(code, arguments), cwd="/", user=NAME, group=_group(), extra_groups=[], check=True)


@contextmanager
def acting(code: str, *arguments: object) -> Iterator[int]:
    """Start Python code as the other user, wait for its first line and yield its process id; kill it at the end."""
    child = subprocess.Popen(
        _argv(code, arguments),
        cwd="/",
        user=NAME,
        group=_group(),
        extra_groups=[],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
    )
    try:
        assert child.stdout
        assert child.stdout.readline(), "it ended before it was at its work"
        yield child.pid
    finally:
        child.kill()
        child.communicate()


@contextmanager
def place_for_all() -> Iterator[Path]:
    """Provide a directory that every user can reach and write to, like /tmp."""
    folder = Path(tempfile.mkdtemp(prefix="for-all-", dir="/tmp"))
    try:
        folder.chmod(0o1777)
        yield folder
    finally:
        shutil.rmtree(folder)


def _argv(code: str, arguments: tuple[object, ...]) -> list[str]:
    # Nothing from the checkout or root's home: the other user has no access there.
    return [_PYTHON, "-I", "-c", code, *map(str, arguments)]


def _group() -> int:
    return pwd.getpwnam(NAME).pw_gid


def _can_act() -> bool:
    try:
        acts("")
    except (OSError, KeyError, subprocess.SubprocessError):
        return False
    return True


needs_another_user = pytest.mark.skipif(
    os.geteuid() != 0 or not _can_act(),
    reason=f"only root can act as {NAME}, who must be able to run {_PYTHON}",
)
