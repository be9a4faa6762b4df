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
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from botocore.exceptions import BotoCoreError
from fsspec.implementations.local import LocalFileSystem

from qhas.machine.masking import error_at, masked
from qhas.machine.packing import content_type, gzipped, partial_of, write_whole
from qhas.machine.threads import results
from qhas.naming import check_key
from qhas.runs.record import Artifact
from qhas.store.errors import ObjectDamaged, ObjectMissing, StoreError
from qhas.store.guard import Guard, Taken, Unsupported
from qhas.store.objects import Download, Found, Upload, is_file, modified
from qhas.store.patience import Patience
from qhas.store.s3 import is_object, is_s3, put_if_absent, remove_objects, s3_options, settle
from qhas.store.s3_transfer import Receiving, Sending, Transfer, transfer_for

__all__ = ["Download", "Found", "ObjectDamaged", "ObjectMissing", "Store", "StoreError", "Upload"]

_AT_ONCE = 16
"""Files of one upload that are under way at the same time."""


class Store:
    """A place for runs, prepared graphs and reports: `root` is any fsspec URL or a local path.

    Endpoint and credentials of s3:// come from the usual AWS variables and files. Files are packed in
    `scratch`, else in TMPDIR.
    """

    def __init__(self, root: str, patience: Patience | None = None, scratch: Path | None = None) -> None:
        self.root = masked(root)
        """For people; a password in the address is left out."""
        self._has_secrets = self.root != root
        patience = patience or Patience()
        self._scratch = scratch
        self._s3 = is_s3(root)
        options = s3_options(patience) if self._s3 else {}
        try:
            self._fs, self._base = fsspec.core.url_to_fs(root, **options)
            if self._s3:
                settle(self._fs)
        except (ImportError, ValueError, BotoCoreError) as error:
            told = error_at(root, str(error))
            raise StoreError(f"The store {self.root} cannot be used: {told}") from None
        self._local = isinstance(self._fs, LocalFileSystem)
        self._guard = Guard(self.root, self._fs, patience)
        self._transfer: Transfer = transfer_for(self._fs, self._base, patience)
        self._creating = threading.Lock()
        self._packing = threading.BoundedSemaphore(os.cpu_count() or 1)

    def url(self, key: str) -> str:
        """Address of a key for people: a path for local stores, else a URL without secrets."""
        if self._has_secrets:
            return f"{self.root.rstrip('/')}/{key}"
        return self._path(key) if self._local else self._fs.unstrip_protocol(self._path(key))

    def link(self, key: str, expires: timedelta = timedelta(hours=24)) -> str | None:
        """An address that opens the object without credentials until it expires; None where the backend has none.

        It is signed here, without asking the server, so a link to an object that is not there is given as well.
        """
        path = self._path(key)
        try:
            return str(
                self._guard.do(key, lambda: self._fs.sign(path, expiration=int(expires.total_seconds())))
            )
        except Unsupported:
            return None

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        path = self._path(key)
        return self._guard.do(key, lambda: self._is_object(path))

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes | None:
        """The bytes of an object, or of a range in it; None if there is no such object."""
        path = self._path(key)
        try:
            # Without ranges at once s3fs does not ask for the size first.
            options = {"max_concurrency": 1} if self._s3 else {}
            return bytes(
                self._guard.do(key, lambda: self._fs.cat_file(path, start=begin, end=end, **options))
            )
        except ObjectMissing:
            return None

    def read_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """What `read` gives of each small object, several at once."""
        paths = [self._path(key) for key in keys]
        known = self._transfer.read_tiny(paths) if len(keys) > 1 else {}
        with ThreadPoolExecutor(1 if self._local else _AT_ONCE, "qhas-read") as threads:
            left = [key for key, path in zip(keys, paths, strict=True) if path not in known]
            read = results(threads, [threads.submit(self.read, key) for key in left])
        known |= dict(zip(map(self._path, left), read, strict=True))
        return [known[path] for path in paths]

    def write(self, key: str, content: bytes, *, only_if_absent: bool = False) -> bool:
        """Write a small object so that readers see the old bytes or the new, never a part; whether it was written.

        With `only_if_absent` an object that is there stays as it is; one that holds just these bytes counts as
        written. Of several writers of different bytes exactly one writes, as long as the server honours conditions;
        elsewhere more than one may.
        """
        if only_if_absent:
            return self._create(key, content)
        path = self._path(key)
        self._guard.do(key, lambda: write_whole(path, content) if self._local else self._pipe(path, content))
        return True

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
        path, partial = self._path(key), partial_of(target)
        try:
            for _ in range(2):  # bytes that changed on the way are good the second time
                found = self._guard.do(key, lambda: self._transfer.get(path, partial))
                if sha256 in (None, found):
                    partial.replace(target)
                    return
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        partial.unlink(missing_ok=True)
        raise ObjectDamaged(
            f"{self.url(key)} does not hold the bytes that were stored: its digest is {found}."
        )

    def fetch_all(self, wanted: Sequence[Download]) -> None:
        """Copy several objects as `fetch` does, several at once; raises its first error after those under way have ended."""
        left = self._fetch_tiny(wanted) if len(wanted) > 1 and not self._local else list(wanted)
        with ThreadPoolExecutor(1 if self._local else _AT_ONCE, "qhas-fetch") as threads:
            results(threads, [threads.submit(self.fetch, one.key, one.target, one.sha256) for one in left])

    def _fetch_tiny(self, wanted: Sequence[Download]) -> list[Download]:
        """Those that are yet to be fetched: they were not fetched together, or hold other bytes than they should."""
        coming = [Receiving(self._path(one.key), partial_of(one.target)) for one in wanted]
        left = []
        try:
            found = self._transfer.get_tiny(coming)
            for one, (_, partial), digest in zip(wanted, coming, found, strict=True):
                if digest and one.sha256 in (None, digest):
                    partial.replace(one.target)
                else:
                    left.append(one)
        finally:
            for _, partial in coming:
                partial.unlink(missing_ok=True)
        return left

    def delete(self, prefix: str) -> None:
        """Remove everything below a prefix; nothing there is no error."""
        path = self._path(prefix)

        def remove() -> None:
            if self._s3:
                if found := list(self._listed(path)):
                    remove_objects(self._fs, found)
            else:
                self._fs.info(path)  # not exists(), which takes every error for a no
                self._fs.rm(path, recursive=True)

        try:
            self._guard.do(prefix, remove)
        except ObjectMissing:
            return  # somebody else was quicker

    def remove(self, keys: Iterable[str]) -> None:
        """Remove single objects, many a request where the backend can; those that are not there are no error."""
        paths = {key: self._path(key) for key in keys}
        if self._s3:
            if paths:
                self._guard.do(next(iter(paths)), lambda: remove_objects(self._fs, paths.values()))
            return
        for key in paths:
            self.delete(key)

    def find(self, prefix: str, name: str) -> list[str]:
        """Keys below a prefix whose last part is `name`, sorted."""
        return [found.key for found in self.objects(prefix) if PurePosixPath(found.key).name == name]

    def objects(self, prefix: str) -> list[Found]:
        """Objects below a prefix, by key."""
        base = self._path(prefix)
        found = self._guard.do(prefix, lambda: self._listed(base))
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
            return sorted(self._guard.do(prefix, listing))
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
            packing = {file: threads.submit(self._upload, prefix, file) for file in wanted if file.compress}
            stored = self._upload_tiny(prefix, [file for file in wanted if not file.compress])
            begun = packing | {
                file: threads.submit(self._upload, prefix, file)
                for file in wanted
                if file not in packing and file not in stored
            }
            artifacts = stored | dict(zip(begun, results(threads, begun.values()), strict=True))
        return [artifacts[file] for file in wanted]

    def _upload_tiny(self, prefix: str, files: list[Upload]) -> dict[Upload, Artifact]:
        """Those that were stored together; the others are yet to be stored."""
        sent = self._transfer.put_tiny(
            [
                Sending(file.source, self._path(f"{prefix}/{file.path}"), content_type(file.path))
                for file in files
            ]
        )
        return {
            file: Artifact(name=file.name, path=file.path, sha256=digest, size=file.source.stat().st_size)
            for file, digest in zip(files, sent, strict=True)
            if digest
        }

    def _upload(self, prefix: str, file: Upload) -> Artifact:
        if not file.compress:
            return self._put(prefix, file.name, file.source, file.path)
        with tempfile.TemporaryDirectory(prefix="qhas-upload-", dir=self._scratch) as scratch:
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

        digest = self._guard.do(key, put)
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
                self._guard.do(key, create)
        except Taken:
            # An earlier try of this writer may have been done though its answer was lost.
            return self.read(key) == content
        return True

    def _is_object(self, path: str) -> bool:
        return is_object(self._fs, path) if self._s3 else is_file(self._fs, path)

    def _listed(self, path: str) -> dict[str, dict[str, Any]]:
        """Everything below a path, by the backend's paths."""
        self._fs.invalidate_cache()
        return dict(self._fs.find(path, detail=True))

    def _pipe(self, path: str, content: bytes) -> None:
        options = {"ContentType": content_type(path)} if self._s3 else {}
        self._fs.pipe_file(path, content, **options)

    def _path(self, key: str) -> str:
        try:
            check_key(key)
        except ValueError as error:
            raise StoreError(f"The store {self.root} can hold no {key!r}: {error}") from error
        return f"{self._base}/{key}"
