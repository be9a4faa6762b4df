"""A folder on this host, or on a share mounted here, as a backend."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from qhas.machine.packing import sync, write_whole
from qhas.store.any import AnyFileSystem


class Local(AnyFileSystem):
    """Objects below a folder, which is created by the first write.

    Disks gain nothing from many reads at once, but several files are synced in the time of one. Small ones are copied
    by one thread and then synced: copying is computing, for which several threads would only compete for the
    interpreter.
    """

    at_once = 1
    stored_at_once = 4
    waits = False

    def address(self, key: str) -> str:
        """Return the path."""
        return self._path(key)

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """Read as `AnyFileSystem.read` does. Raises OSError for a pipe or a device, which would block."""
        _refuse_waiting(self._path(key))
        return super().read(key, begin, end)

    def write(self, key: str, content: bytes) -> None:
        """Write the object atomically, replacing any that exists."""
        write_whole(self._path(key), content)

    def _create(self, key: str, content: bytes) -> None:
        write_whole(self._path(key), content, replace=False)

    def _is_object(self, path: str, info: dict[str, Any]) -> bool:
        """Whether the path can be read: a file or a link to one, but not a pipe or a link that leads nowhere."""
        return info["type"] == "file" or Path(path).is_file()

    def _get(self, path: str, file: Path) -> None:
        _refuse_waiting(path)
        super()._get(path, file)

    def _put(self, file: Path, path: str) -> None:
        _make_folder(path)
        shutil.copyfile(file, path)

    def put_bytes(self, content: bytes, key: str) -> str:
        """Write directly in place: the object is settled with others, and no record names it before that.

        Raises OSError if the stored size differs.
        """
        path = self._path(key)
        _make_folder(path)
        Path(path).write_bytes(content)
        self._require_size(key, len(content))
        return hashlib.sha256(content).hexdigest()

    def _size(self, path: str) -> int:
        return Path(path).stat().st_size

    def settle(self, keys: Sequence[str]) -> None:
        """Sync the files: the record that names them comes later, and must not be all that survives a crash."""
        paths = [Path(self._path(key)) for key in keys]
        if len(paths) == 1:
            sync(*paths)
            return
        shares = [paths[first :: self.stored_at_once] for first in range(self.stored_at_once)]
        with ThreadPoolExecutor(self.stored_at_once, "qhas-sync") as threads:
            list(threads.map(_sync_all, filter(None, shares)))


def _sync_all(paths: Iterable[Path]) -> None:
    for path in paths:
        sync(path)


def _make_folder(path: str) -> None:
    folder = Path(path).parent
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)


def _refuse_waiting(path: str) -> None:
    mode = os.stat(path).st_mode  # noqa: PTH116
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "not a regular file", path)
