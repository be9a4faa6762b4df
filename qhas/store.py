"""Object storage over fsspec.

Nothing is visible as finished before its manifest, and the manifest is written last; readers look for manifests only.
Works the same on a local folder, memory, or any fsspec URL.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import fsspec
from fsspec.implementations.local import LocalFileSystem

from qhas.digest import file_digest
from qhas.naming import check_name
from qhas.record import Artifact
from qhas.site import without_password

_CHUNK = 1 << 20


class StoreError(Exception):
    """The object store refused or failed. The message names the store and the key."""


@dataclass(frozen=True)
class Upload:
    """A local file on its way into the store, under a name relative to the manifest."""

    name: str
    source: Path
    path: str
    compress: bool = False


class Store:
    """A place for runs, prepared graphs and reports: `root` is any fsspec URL or a local path."""

    def __init__(self, root: str) -> None:
        self.root = without_password(root)
        """For people; a password in the address is left out."""
        try:
            self._fs, self._base = fsspec.core.url_to_fs(root)
        except (ImportError, ValueError) as error:
            raise StoreError(f"The store {self.root} cannot be used: {error}") from error
        self._local = isinstance(self._fs, LocalFileSystem)

    def url(self, key: str) -> str:
        """Address of a key for people: a path for local stores, else a URL."""
        return self._path(key) if self._local else self._fs.unstrip_protocol(self._path(key))

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        with self._errors(key):
            return bool(self._fs.isfile(self._path(key)))

    def read(self, key: str) -> bytes | None:
        """The object's bytes, or None if there is no such object."""
        with self._errors(key):
            try:
                return bytes(self._fs.cat_file(self._path(key)))
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        """Write a small object so that readers see the old bytes or the new, never a part."""
        path = self._path(key)
        with self._errors(key):
            if not self._local:
                self._fs.pipe_file(path, content)
                return
            self._fs.makedirs(self._fs._parent(path), exist_ok=True)
            partial = f"{path}.{uuid.uuid4().hex}.partial"
            try:
                self._fs.pipe_file(partial, content)
                Path(partial).replace(path)
            finally:
                Path(partial).unlink(missing_ok=True)

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object to a local file."""
        with self._errors(key):
            self._fs.get_file(self._path(key), str(target))

    def delete(self, prefix: str) -> None:
        """Remove everything below a prefix; nothing there is no error."""
        with self._errors(prefix):
            if self._fs.exists(self._path(prefix)):
                self._fs.rm(self._path(prefix), recursive=True)

    def find(self, prefix: str, name: str) -> list[str]:
        """Keys below a prefix whose last part is `name`, sorted."""
        base = self._path(prefix)
        with self._errors(prefix):
            found = self._fs.find(base) if self._fs.exists(base) else []
        return sorted(f"{prefix}{path[len(base) :]}" for path in found if PurePosixPath(path).name == name)

    def upload(self, prefix: str, files: Iterable[Upload]) -> list[Artifact]:
        """Copy files below a prefix. Digests and sizes are of the bytes as stored, gzip included."""
        return [self._upload(prefix, file) for file in files]

    def _upload(self, prefix: str, file: Upload) -> Artifact:
        with tempfile.TemporaryDirectory(prefix="qhas-upload-") as scratch:
            source, path = file.source, file.path
            if file.compress:
                source, path = _gzipped(source, Path(scratch) / "packed.gz"), f"{path}.gz"
            key = f"{prefix}/{path}"
            with self._errors(key):
                if self._local:
                    self._fs.makedirs(self._fs._parent(self._path(key)), exist_ok=True)
                self._fs.put_file(str(source), self._path(key))
                size = source.stat().st_size
                if self._fs.size(self._path(key)) != size:
                    raise StoreError(
                        f"{self.url(key)} was stored with another size than the {size} bytes sent."
                    )
            return Artifact(name=file.name, path=path, sha256=file_digest(source), size=size)

    def _path(self, key: str) -> str:
        try:
            for part in key.split("/"):
                check_name(part)
        except ValueError as error:
            raise StoreError(f"The store {self.root} can hold no {key!r}: {error}") from error
        return f"{self._base}/{key}"

    def _errors(self, key: str) -> _StoreErrors:
        return _StoreErrors(self.root, key)


class _StoreErrors:
    """Turns whatever a backend raises into StoreError, which names store and key."""

    def __init__(self, root: str, key: str) -> None:
        self._root, self._key = root, key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, StoreError):
            raise StoreError(
                f"The store {self._root} failed at {self._key}: {type(error).__name__}: {error}"
            ) from error


def _gzipped(source: Path, target: Path) -> Path:
    """Compress with no time and no name inside, so that equal files stay equal."""
    with (
        source.open("rb") as plain,
        target.open("wb") as sink,
        gzip.GzipFile(filename="", fileobj=sink, mode="wb", compresslevel=6, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed, _CHUNK)
    return target
