"""Any fsspec file system as a backend, by what all of them have in common."""

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
"""What file systems call the time of an object's last change, in the order of trust."""
_SECRETS = ("key", "secret", "token")
_LISTINGS = 20
"""Tries of a listing while other threads write to a store in memory."""


class AnyFileSystem:
    """Objects below the path `base` of an fsspec file system. Here nothing is quicker together."""

    at_once = 16
    stored_at_once = 16
    waits = True

    def __init__(self, fs: Any, base: str) -> None:
        self._fs, self._base = fs, base

    def address(self, key: str) -> str:
        """The URL."""
        return str(self._fs.unstrip_protocol(self._path(key)))

    def exists(self, key: str) -> bool:
        """Not by fsspec's isfile(), for which an object that cannot be asked for is none."""
        try:
            return bool(self._fs.info(self._path(key))["type"] == "file")
        except (FileNotFoundError, NotADirectoryError) as error:
            if is_absent(error):
                return False
            raise met(error) from None

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes:
        """The bytes of an object, or of a range in it. Raises Unbounded."""
        if end is None:
            require_readable(self._fs.info(self._path(key)).get("size"))
        return bytes(self._fs.cat_file(self._path(key), start=begin, end=end))

    def write(self, key: str, content: bytes) -> None:
        """As whole as the file system writes."""
        self._fs.pipe_file(self._path(key), content)

    def create(self, key: str, content: bytes) -> None:
        """Look first, then write: of two writers at once both may. Raises FileExistsError."""
        if self.exists(key):
            raise FileExistsError(key)
        self._create(key, content)

    def _create(self, key: str, content: bytes) -> None:
        self.write(key, content)

    def put(self, file: Path, key: str) -> str:
        """Store a file; a stored size that differs from the file's is an OSError."""
        self._put(file, self._path(key))
        self._require_size(key, file.stat().st_size)
        return file_digest(file)

    def _put(self, file: Path, path: str) -> None:
        self._fs.put_file(str(file), path)

    def put_bytes(self, content: bytes, key: str) -> str:
        """Store what is in memory, as whole as `write` does."""
        self.write(key, content)
        return hashlib.sha256(content).hexdigest()

    def _require_size(self, key: str, size: int) -> None:
        if self._size(self._path(key)) != size:
            raise OSError(f"{self._path(key)} was stored with another size than the {size} bytes sent")

    def _size(self, path: str) -> int | None:
        size: int | None = self._fs.size(path)
        return size

    def settle(self, _keys: Sequence[str]) -> None:
        """Whatever was put is as safe as the file system makes it."""

    def get(self, key: str, file: Path) -> str:
        """Copy an object to a file."""
        self._get(self._path(key), file)
        return file_digest(file)

    def _get(self, path: str, file: Path) -> None:
        self._fs.get_file(path, str(file))

    def read_many(self, _keys: Sequence[str]) -> Batch[bytes | None]:
        """Nothing is done."""
        return Batch({})

    def put_many(self, _copies: Sequence[Copy]) -> Batch[str]:
        """Nothing is done."""
        return Batch({})

    def get_many(self, _copies: Sequence[Copy], _arrived: Callable[[Copy, str], object]) -> Batch[str]:
        """Nothing is done."""
        return Batch({})

    def objects(self, prefix: str) -> Iterator[Found]:
        """Every object below a prefix."""
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
            except RuntimeError as error:  # of fsspec's memory: another thread wrote meanwhile
                changed = error
        raise changed

    def children(self, prefix: str) -> list[str]:
        """Names directly below a prefix. Lists one level only."""
        self._fs.invalidate_cache()
        return [PurePosixPath(child).name for child in self._fs.ls(self._path(prefix), detail=False)]

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, one after the other."""
        for key in keys:
            self.clear(key)

    def clear(self, prefix: str) -> None:
        """Remove everything below a prefix."""
        path = self._path(prefix)
        with suppress(FileNotFoundError):  # also where somebody else was quicker
            self._fs.info(path)  # not exists(), which takes every error for a no
            self._fs.rm(path, recursive=True)

    def sign(self, key: str, seconds: int) -> str:
        """Signed here, without asking the server."""
        return str(self._fs.sign(self._path(key), expiration=seconds))

    def explain(self, error: BaseException) -> Trouble:
        """What Python, the operating system or an HTTP client says."""
        return trouble_of(error)

    def secrets(self) -> Iterable[str]:
        """Of what the file system was configured with."""
        return [secret for name in _SECRETS if isinstance(secret := getattr(self._fs, name, None), str)]

    def _path(self, key: str) -> str:
        return f"{self._base}/{key}"


def _modified(info: dict[str, Any]) -> datetime | None:
    """When an object was last written, from what a file system tells of it; None where it does not say."""
    value = next((info[name] for name in _MODIFIED if info.get(name) is not None), None)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else None
