"""A small file system: a tmpfs in the mount namespace of a process that ends with its caller.

It is mounted where no other process sees it: programs that are to use the disk are started through `entrance`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Self

_HOLDER = """
import subprocess, sys
folder = sys.argv[1]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + sys.argv[2], "none", folder], check=True)
print("ready", flush=True)
for size in sys.stdin:
    subprocess.run(["mount", "-o", "remount,size=" + size.strip(), folder], check=True)
    print("ready", flush=True)
"""
NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private")


def why_unavailable() -> str | None:
    """Return why this machine cannot have a small disk, in a sentence; None if it can."""
    try:
        probe = subprocess.run(
            [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, timeout=600
        )
    except OSError as error:
        return f"a small disk needs unshare and mount: {error}"
    return f"no tmpfs can be mounted here: {probe.stderr.strip()}" if probe.returncode else None


class SmallDisk:
    """A tmpfs of `size` bytes, rounded up to pages; `with` mounts it, and in the end drops it with all its files."""

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir()
        self.folder, self._size = folder, size

    @property
    def entrance(self) -> tuple[str, ...]:
        """The prefix for the command line of a program that is to find the disk at its folder."""
        return (
            "nsenter",
            f"--target={self._holder.pid}",
            "--user",
            "--preserve-credentials",
            "--mount",
            "--wd=.",
        )

    @property
    def seen(self) -> Path:
        """The disk's root as seen by processes not started through the entrance."""
        return Path(f"/proc/{self._holder.pid}/root{self.folder}")

    def grow(self, size: int) -> None:
        """Resize the disk."""
        assert self._holder.stdin
        self._holder.stdin.write(f"{size}\n")
        self._holder.stdin.flush()
        self._await()

    def _await(self) -> None:
        assert self._holder.stdout
        if self._holder.stdout.readline() != "ready\n":
            raise RuntimeError(f"no tmpfs could be mounted at {self.folder}")

    def __enter__(self) -> Self:
        self._holder = subprocess.Popen(
            [*NAMESPACE, sys.executable, "-c", _HOLDER, str(self.folder), str(self._size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._await()
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.kill()
        self._holder.communicate()
