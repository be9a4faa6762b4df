"""Any fsspec file system as a backend, using only what all of them have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from qhas.machine.digest import file_digest
from qhas.store.errors import Trouble, is_absent, met, trouble_of
from qhas.store.objects import Batch, Copy, Found, require_readable

_MODIFIED = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")
"""Names that file systems use for the time of an object's last change, the most trusted first."""
_SECRETS = ("key", "secret", "token")
_LISTINGS = 20
"""Attempts to list a store in memory while other threads write to it."""


class AnyFileSystem:
    """Objects below the path `base` of an fsspec file system. Batches bring no gain here."""

    at_once = 16
    stored_at_once = 16
    waits = True

    def __init__(self, fs: Any, base: str) -> None:
        self._fs, self._base = fs, base

    def address(self, key: str) -> str:
        """Return the URL of a key."""
        return str(self._fs.unstrip_protocol(self._path(key)))

    def exists(self, key: str) -> bool:
        """Whether the object is there. Not fsspec's isfile(), which is False for an object that cannot be queried."""
        try:
            return bool(self._fs.info(self._path(key))["type"] == "file")
        except (FileNotFoundError, NotADirectoryError) as error:
            if is_absent(error):
                return False
            raise met(error) from None

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """Return the bytes of an object, or of a range in it. Raises Unbounded."""
        if end is None:
            require_readable(self._fs.info(self._path(key)).get("size"))
        return bytes(self._fs.cat_file(self._path(key), start=begin, end=end))

    def write(self, key: str, content: bytes) -> None:
        """Write an object, as atomically as the file system can."""
        self._fs.pipe_file(self._path(key), content)

    def create(self, key: str, content: bytes) -> None:
        """Check for the object, then write it: two simultaneous writers may both do so. Raises FileExistsError."""
        if self.exists(key):
            raise FileExistsError(key)
        self._create(key, content)

    def _create(self, key: str, content: bytes) -> None:
        self.write(key, content)

    def put(self, file: Path, key: str) -> str:
        """Store a file. Raises OSError if the stored size differs from the file's."""
        self._put(file, self._path(key))
        self._require_size(key, file.stat().st_size)
        return file_digest(file)

    def _put(self, file: Path, path: str) -> None:
        self._fs.put_file(str(file), path)

    def put_bytes(self, content: bytes, key: str) -> str:
        """Store bytes from memory, as atomically as `write` does."""
        self.write(key, content)
        return hashlib.sha256(content).hexdigest()

    def _require_size(self, key: str, size: int) -> None:
        if self._size(self._path(key)) != size:
            raise OSError(f"{self._path(key)} was stored with a size other than the {size} bytes sent")

    def _size(self, path: str) -> int | None:
        size: int | None = self._fs.size(path)
        return size

    def settle(self, _keys: Sequence[str]) -> None:
        """Do nothing: files that were put are as safe as the file system makes them."""

    def get(self, key: str, file: Path) -> str:
        """Copy an object to a file."""
        self._get(self._path(key), file)
        return file_digest(file)

    def _get(self, path: str, file: Path) -> None:
        self._fs.get_file(path, str(file))

    def read_many(self, _keys: Sequence[str]) -> Batch[bytes | None]:
        """Do nothing."""
        return Batch({})

    def put_many(self, _copies: Sequence[Copy]) -> Batch[str]:
        """Do nothing."""
        return Batch({})

    def get_many(self, _copies: Sequence[Copy], _arrived: Callable[[Copy, str], object]) -> Batch[str]:
        """Do nothing."""
        return Batch({})

    def objects(self, prefix: str) -> Iterator[Found]:
        """Yield every object below a prefix."""
        self._fs.invalidate_cache()
        base = self._path(prefix)
        for path, info in self._all_below(base).items():
            if self._is_object(path, info):
                yield Found(f"{prefix}{path[len(base) :]}", int(info.get("size") or 0), _modified(info))

    def _is_object(self, _path: str, _info: dict[str, Any]) -> bool:
        return True

    def _all_below(self, base: str) -> dict[str, Any]:
        for _ in range(_LISTINGS):
            try:
                return dict(self._fs.find(base, detail=True))
            except RuntimeError as error:  # of fsspec's memory: another thread wrote during the listing
                changed = error
        raise changed

    def children(self, prefix: str) -> list[str]:
        """Return the names directly below a prefix. Lists one level only."""
        self._fs.invalidate_cache()
        return [PurePosixPath(child).name for child in self._fs.ls(self._path(prefix), detail=False)]

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, one after another."""
        for key in keys:
            self.clear(key)

    def clear(self, prefix: str) -> None:
        """Remove everything below a prefix."""
        path = self._path(prefix)
        with suppress(FileNotFoundError):  # also if another process was quicker
            self._fs.info(path)  # not exists(), which treats every error as absence
            self._fs.rm(path, recursive=True)

    def sign(self, key: str, seconds: int) -> str:
        """Return an address signed locally, without a request to the server."""
        return str(self._fs.sign(self._path(key), expiration=seconds))

    def explain(self, error: BaseException) -> Trouble:
        """Interpret an error of Python, the operating system or an HTTP client."""
        return trouble_of(error)

    def secrets(self) -> Iterable[str]:
        """Return the secrets with which the file system was configured."""
        return [secret for name in _SECRETS if isinstance(secret := getattr(self._fs, name, None), str)]

    def _path(self, key: str) -> str:
        return f"{self._base}/{key}"


def _modified(info: dict[str, Any]) -> datetime | None:
    """Return when an object was last written, from its file system's info; None if that does not say."""
    value = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
