"""Object storage over fsspec.

Nothing is visible as finished before its manifest, and the manifest is written last; readers look for manifests only.
Works the same on a local folder, memory, S3, or any fsspec URL. A store may be used from many threads at once.

What passes by itself (a busy server, a broken connection) is tried again with growing waits for as long as the store's
Patience lasts; what does not (no permission, no such bucket) is an error at once.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import fsspec
from botocore.exceptions import BotoCoreError
from fsspec.implementations.local import LocalFileSystem

from qhas.found import Found, modified
from qhas.naming import check_name
from qhas.packing import NO_TYPE, content_type, gzipped, write_whole
from qhas.patience import Patience
from qhas.record import Artifact
from qhas.s3 import is_object, is_s3, put_if_absent, s3_options, settle
from qhas.site import without_password
from qhas.store_errors import (
    ObjectDamaged,
    ObjectMissing,
    StoreError,
    is_damaged,
    is_missing,
    is_passing,
    is_taken,
    reason,
    without_secrets,
)
from qhas.transfer import Transfer, transfer_for

__all__ = ["Found", "ObjectDamaged", "ObjectMissing", "Store", "StoreError", "Upload"]

T = TypeVar("T")

_AT_ONCE = 16
"""Files of one upload that are under way at the same time."""


@dataclass(frozen=True)
class Upload:
    """A local file on its way into the store, under a name relative to the manifest."""

    name: str
    source: Path
    path: str
    compress: bool = False


class Store:
    """A place for runs, prepared graphs and reports: `root` is any fsspec URL or a local path.

    Endpoint and credentials of s3:// come from the usual AWS variables and files.
    """

    def __init__(self, root: str, patience: Patience | None = None) -> None:
        self.root = without_password(root)
        """For people; a password in the address is left out."""
        self._patience = patience or Patience()
        self._s3 = is_s3(root)
        options = s3_options(self._patience) if self._s3 else {}
        try:
            self._fs, self._base = fsspec.core.url_to_fs(root, **options)
            if self._s3:
                settle(self._fs)
        except (ImportError, ValueError, BotoCoreError) as error:
            raise StoreError(f"The store {self.root} cannot be used: {error}") from error
        self._local = isinstance(self._fs, LocalFileSystem)
        self._transfer: Transfer = transfer_for(self._fs, self._base, self._patience)
        self._creating = threading.Lock()
        self._packing = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._honours: bool | None = None

    def url(self, key: str) -> str:
        """Address of a key for people: a path for local stores, else a URL."""
        return self._path(key) if self._local else self._fs.unstrip_protocol(self._path(key))

    def link(self, key: str, expires: timedelta = timedelta(hours=24)) -> str | None:
        """An address that opens the object without credentials until it expires; None where the backend has none.

        It is signed here, without asking the server, so a link to an object that is not there is given as well.
        """
        path = self._path(key)
        try:
            return str(self._do(key, lambda: self._fs.sign(path, expiration=int(expires.total_seconds()))))
        except _Unsupported:
            return None

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        path = self._path(key)
        return self._do(key, lambda: self._is_object(path))

    def read(self, key: str) -> bytes | None:
        """The object's bytes, or None if there is no such object."""
        path = self._path(key)
        try:
            # Without ranges at once s3fs does not ask for the size first.
            options = {"max_concurrency": 1} if self._s3 else {}
            return bytes(self._do(key, lambda: self._fs.cat_file(path, **options)))
        except ObjectMissing:
            return None

    def read_range(self, key: str, begin: int, end: int) -> bytes:
        """Bytes of an object from `begin` to before `end`. Raises ObjectMissing."""
        path = self._path(key)
        return bytes(self._do(key, lambda: self._fs.cat_file(path, start=begin, end=end)))

    def write(self, key: str, content: bytes, *, only_if_absent: bool = False) -> bool:
        """Write a small object so that readers see the old bytes or the new, never a part; whether it was written.

        With `only_if_absent` an object that is there stays as it is; one that holds just these bytes counts as
        written. Of several writers of different bytes exactly one writes, as long as the server honours conditions
        (see `honours_conditions`); elsewhere more than one may.
        """
        if only_if_absent:
            return self._create(key, content)
        path = self._path(key)
        self._do(key, lambda: write_whole(path, content) if self._local else self._pipe(path, content))
        return True

    def honours_conditions(self) -> bool:
        """Whether of several `only_if_absent` writers exactly one succeeds. Asks the server once, with an own object."""
        if self._honours is None:
            self._honours = self._local or (self._s3 and self._refuses_a_second_writer())
        return self._honours

    def require_writable(self) -> None:
        """Raise StoreError if nothing can be written, with one small object that is removed again."""
        key = f"writable-{secrets.token_hex(4)}"
        self.write(key, b"May be removed.\n")
        try:
            self.delete(key)
        except StoreError as error:
            raise StoreError(
                f"{error} (it could be written, but a run also removes what earlier tries left)"
            ) from None

    def fetch(self, key: str, target: Path, sha256: str | None = None) -> None:
        """Copy an object to a local file, which appears when it is whole.

        With a digest, raises ObjectDamaged if the bytes are others, also when read a second time.
        """
        path, partial = self._path(key), target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
        try:
            for _ in range(2):  # bytes that changed on the way are good the second time
                found = self._do(key, lambda: self._transfer.get(path, partial))
                if sha256 in (None, found):
                    partial.replace(target)
                    return
        finally:
            partial.unlink(missing_ok=True)
        raise ObjectDamaged(
            f"{self.url(key)} does not hold the bytes that were stored: its digest is {found}."
        )

    def delete(self, prefix: str) -> None:
        """Remove everything below a prefix; nothing there is no error."""
        path = self._path(prefix)

        def remove() -> None:
            if self._s3:
                if found := list(self._listed(path)):
                    self._fs.rm(found)
            else:
                self._fs.info(path)  # not exists(), which takes every error for a no
                self._fs.rm(path, recursive=True)

        try:
            self._do(prefix, remove)
        except ObjectMissing:
            return  # somebody else was quicker

    def remove(self, keys: Iterable[str]) -> None:
        """Remove single objects, many a request where the backend can; those that are not there are no error."""
        paths = {key: self._path(key) for key in keys}
        if self._s3:
            if paths:
                self._do(next(iter(paths)), lambda: self._fs.rm(list(paths.values())))
            return
        for key in paths:
            self.delete(key)

    def find(self, prefix: str, name: str) -> list[str]:
        """Keys below a prefix whose last part is `name`, sorted."""
        return [found.key for found in self.objects(prefix) if PurePosixPath(found.key).name == name]

    def objects(self, prefix: str) -> list[Found]:
        """Every object below a prefix, sorted by key."""
        base = self._path(prefix)
        found = self._do(prefix, lambda: self._listed(base))
        return sorted(
            (
                Found(f"{prefix}{path[len(base) :]}", int(info.get("size") or 0), modified(info))
                for path, info in found.items()
            ),
            key=lambda item: item.key,
        )

    def children(self, prefix: str) -> list[str]:
        """Names directly below a prefix, of objects and of prefixes, sorted. Lists one level only."""
        path = self._path(prefix)

        def listing() -> list[str]:
            self._fs.invalidate_cache()
            return [PurePosixPath(child).name for child in self._fs.ls(path, detail=False)]

        try:
            return sorted(self._do(prefix, listing))
        except ObjectMissing:
            return []

    def upload(self, prefix: str, files: Iterable[Upload]) -> list[Artifact]:
        """Copy files below a prefix, several at once. Digests and sizes are of the bytes as stored, gzip included.

        In the order of the files. Raises StoreError with the first failure, after those under way have ended.
        """
        wanted = list(files)
        if self._local or len(wanted) < 2:
            return [self._upload(prefix, file) for file in wanted]
        with ThreadPoolExecutor(min(len(wanted), _AT_ONCE), "qhas-upload") as threads:
            begun = [threads.submit(self._upload, prefix, file) for file in wanted]
            try:
                return [upload.result() for upload in begun]
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise

    def _upload(self, prefix: str, file: Upload) -> Artifact:
        if not file.compress:
            return self._put(prefix, file.name, file.source, file.path)
        with tempfile.TemporaryDirectory(prefix="qhas-upload-") as scratch:
            with self._packing:
                packed = gzipped(file.source, Path(scratch) / "packed.gz")
            return self._put(prefix, file.name, packed, f"{file.path}.gz")

    def _put(self, prefix: str, name: str, source: Path, path: str) -> Artifact:
        key = f"{prefix}/{path}"
        target = self._path(key)

        def put() -> str:
            if self._local:
                self._fs.makedirs(self._fs._parent(target), exist_ok=True)
            return self._transfer.put(source, target, content_type(path))

        digest = self._do(key, put)
        return Artifact(name=name, path=path, sha256=digest, size=source.stat().st_size)

    def _create(self, key: str, content: bytes) -> bool:
        path = self._path(key)

        def create() -> None:
            # There are servers that ignore conditions, so a look comes first.
            if self._is_object(path):
                raise FileExistsError(path)
            if self._s3:
                put_if_absent(self._fs, path, content, content_type(path))
            elif self._local:
                write_whole(path, content, replace=False)
            else:
                self._pipe(path, content)

        try:
            with self._creating:
                self._do(key, create)
        except _Taken:
            # An earlier try of this writer may have been done though its answer was lost.
            return self.read(key) == content
        return True

    def _refuses_a_second_writer(self) -> bool:
        key = f"condition-{secrets.token_hex(4)}"
        path = self._path(key)
        self.write(key, b"May be removed.\n")
        try:
            self._do(key, lambda: put_if_absent(self._fs, path, b"", NO_TYPE))
        except _Taken:
            return True
        finally:
            self.delete(key)
        return False

    def _is_object(self, path: str) -> bool:
        if self._s3:
            return is_object(self._fs, path)
        # Not isfile(): for fsspec an object that cannot be asked for is none.
        try:
            return bool(self._fs.info(path)["type"] == "file")
        except FileNotFoundError:
            return False

    def _listed(self, path: str) -> dict[str, dict[str, Any]]:
        """Everything below a path, by the backend's paths."""
        self._fs.invalidate_cache()
        return dict(self._fs.find(path, detail=True))

    def _pipe(self, path: str, content: bytes) -> None:
        options = {"ContentType": content_type(path)} if self._s3 else {}
        self._fs.pipe_file(path, content, **options)

    def _path(self, key: str) -> str:
        try:
            for part in key.split("/"):
                for name in part.split("=", 1):  # partitions, as in date=2026-03-01
                    check_name(name)
        except ValueError as error:
            raise StoreError(f"The store {self.root} can hold no {key!r}: {error}") from error
        return f"{self._base}/{key}"

    def _do(self, key: str, operation: Callable[[], T]) -> T:
        """The operation's result. Whatever a backend raises becomes a StoreError that names store and key."""
        try:
            return self._patience.keep_trying(operation, is_passing)
        except StoreError:
            raise
        except Exception as error:
            kind = _kind(error)
            text = without_secrets(reason(error), self._secrets())
        # The backend's own text may show keys: it must not reach a log as the cause either.
        raise kind(f"The store {self.root} failed at {key}: {text}")

    def _secrets(self) -> list[str]:
        given = (getattr(self._fs, name, None) for name in ("key", "secret", "token"))
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return [secret for secret in (*given, *map(os.environ.get, names)) if secret]


class _Taken(StoreError):
    """The object was to be created and is there."""


class _Unsupported(StoreError):
    """The backend has no such thing."""


def _kind(error: Exception) -> type[StoreError]:
    if is_taken(error):
        return _Taken
    if is_missing(error):
        return ObjectMissing
    if is_damaged(error):
        return ObjectDamaged
    return _Unsupported if isinstance(error, NotImplementedError) else StoreError
