"""Object storage: what all backends share. Keys, patience, digests, packing.

Nothing is visible as finished before its manifest, and the manifest is written last; readers look only for manifests.
Works the same on a local folder, memory, S3, or any fsspec URL. A store may be used from many threads at once.

Errors that pass by themselves (a busy server, a broken connection) are retried with growing waits for as long as the
store's Patience lasts; others (no permission, no such bucket) are raised at once.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from qhas.machine.packing import gzipped_bytes, packed_copy, partial_of
from qhas.machine.secrets import error_at, masked
from qhas.naming import check_key, has_controls
from qhas.outside_text import one_line
from qhas.store.backend import Backend
from qhas.store.errors import ObjectDamaged, ObjectMissing, StoreError, Taken, Unsupported
from qhas.store.guard import Guard
from qhas.store.objects import Artifact, Copy, Download, Found, Upload
from qhas.store.opening import open_backend
from qhas.store.patience import Patience

T = TypeVar("T")

_SMALL = 1 << 20
"""Maximum bytes of a file that is stored from memory without a thread, if storing does not wait."""


class Store:
    """A place for runs, prepared graphs and reports: `root` is any fsspec URL or a local path.

    Endpoint and credentials of s3:// come from the usual AWS variables and files. Files are packed in `scratch`, or
    else in TMPDIR. `backend` replaces the one that the address leads to.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        patience: Patience | None = None,
        scratch: Path | None = None,
        backend: Backend | None = None,
    ) -> None:
        if not isinstance(root, str | os.PathLike) or not os.fspath(root):
            raise StoreError(f"{root!r} cannot be a store: give a folder or a URL.")
        root = os.fspath(root)
        self.root = one_line(masked(root))
        """The address for display, without any password in it."""
        self._has_secrets = masked(root) != root
        self._scratch = scratch
        patience = patience or Patience()
        try:
            if has_controls(root):
                raise ValueError("its address holds a line break or another control character")
            self._backend = backend or open_backend(root, patience)
        except Exception as error:  # every fsspec backend raises its own, and its text may hold the address
            reason = one_line(error_at(root, str(error))).strip() or type(error).__name__
            raise StoreError(f"The store {self.root} cannot be used: {reason.rstrip('.')}.") from None
        self._guard = Guard(self.root, self._backend, patience)
        self._creating = threading.Lock()
        self._packing = threading.BoundedSemaphore(os.cpu_count() or 1)

    def url(self, key: str) -> str:
        """Return the address of a key for display: a path for local stores, else a URL without secrets."""
        if self._has_secrets:
            return f"{self.root.rstrip('/')}/{key}"
        return self._backend.address(self._checked(key))

    def link(self, key: str, expires: timedelta = timedelta(hours=24)) -> str | None:
        """Return an address that opens the object without credentials until it expires; None if the backend has none.

        It is signed locally, without a request to the server, so a link is returned even if the object does not exist.
        """
        self._checked(key)
        try:
            return self._guard.do(key, lambda: self._backend.sign(key, int(expires.total_seconds())))
        except Unsupported:
            return None

    def exists(self, key: str) -> bool:
        """Whether the object is there."""
        self._checked(key)
        return self._guard.do(key, lambda: self._backend.exists(key))

    def read(self, key: str, begin: int | None = None, end: int | None = None) -> bytes | None:
        """Return the bytes of an object, or of a range in it; None if there is no such object."""
        self._checked(key)
        try:
            return self._guard.do(key, lambda: self._backend.read(key, begin, end))
        except ObjectMissing:
            return None

    def read_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return what `read` returns for each small object, reading several at once."""
        contents = dict[str, bytes | None]()
        if len(keys) > 1:
            checked = [self._checked(key) for key in keys]
            contents = self._guard.do_many(keys[0], lambda: self._backend.read_many(checked))
        rest = [key for key in keys if key not in contents]
        with ThreadPoolExecutor(self._backend.at_once, "qhas-read") as threads:
            read = _results(threads, [threads.submit(self.read, key) for key in rest])
        contents |= dict(zip(rest, read, strict=True))
        return [contents[key] for key in keys]

    def write(self, key: str, content: bytes, *, only_if_absent: bool = False) -> bool:
        """Write a small object so that readers see the old bytes or the new, never a part; return whether it did.

        With `only_if_absent` an existing object stays as it is; one that holds exactly these bytes counts as written.
        Of several writers of different bytes exactly one writes, provided that the server honours conditions;
        otherwise more than one may.
        """
        self._checked(key)
        if not only_if_absent:
            self._guard.do(key, lambda: self._backend.write(key, content))
            return True
        try:
            with self._creating:
                self._guard.do(key, lambda: self._backend.create(key, content))
        except Taken:
            # An earlier try of this writer may have succeeded although its answer was lost.
            return self.read(key) == content
        return True

    def require_writable(self) -> None:
        """Raise StoreError unless files can be stored, read back and removed, by the same clients as a run's files."""
        prefix = f"writable-{secrets.token_hex(4)}"
        with tempfile.TemporaryDirectory(prefix="qhas-check-", dir=self._scratch) as folder:
            sent, fetched = Path(folder, "sent"), Path(folder, "fetched")
            sent.write_bytes(content := secrets.token_bytes(64))
            self.write(f"{prefix}/record.json", content)
            (stored,) = self.upload(prefix, [Upload("check", sent, "may-be-removed.bin")])
            key = f"{prefix}/{stored.path}"
            self.fetch(key, fetched, stored.sha256)
            if (self.read(key), self.read(f"{prefix}/record.json")) != (content, content):
                raise ObjectDamaged(f"The store {self.root} returned different bytes from those written.")
        try:
            self.delete(prefix)
        except StoreError as error:
            raise StoreError(
                f"{error} (it could be written, but a run must also be able to remove what earlier tries wrote)"
            ) from None

    def fetch(self, key: str, target: Path, sha256: str | None = None) -> None:
        """Copy an object to a local file, which appears only when complete.

        With a digest, raises ObjectDamaged if the bytes differ from it, even when read a second time.
        """
        self._checked(key)
        partial = partial_of(target)
        try:
            for _ in range(2):  # bytes damaged on the way are good the second time
                digest = self._guard.do(key, lambda: self._backend.get(key, partial), transfer=True)
                if sha256 in (None, digest):
                    partial.replace(target)
                    return
        finally:
            partial.unlink(missing_ok=True)
        raise ObjectDamaged(
            f"{self.url(key)} does not hold the bytes that were stored: its digest is {digest}."
        )

    def fetch_all(self, wanted: Sequence[Download]) -> None:
        """Copy several objects as `fetch` does, several at once.

        Raises the first error, once the copies under way have ended.
        """
        rest = self._fetch_together(wanted) if len(wanted) > 1 else wanted
        with ThreadPoolExecutor(self._backend.at_once, "qhas-fetch") as threads:
            _results(
                threads, [threads.submit(self.fetch, item.key, item.target, item.sha256) for item in rest]
            )

    def _fetch_together(self, wanted: Sequence[Download]) -> list[Download]:
        """Return those still to be fetched: they were not fetched together, or their bytes do not match the digest."""
        left = {Copy(self._checked(item.key), partial_of(item.target)): item for item in wanted}

        def arrived(copy: Copy, digest: str) -> None:
            if left[copy].sha256 in (None, digest):
                copy.file.replace(left[copy].target)
                del left[copy]

        try:
            self._guard.do_many(wanted[0].key, lambda: self._backend.get_many(list(left), arrived))
            return list(left.values())
        finally:
            for copy in left:
                copy.file.unlink(missing_ok=True)

    def delete(self, prefix: str) -> None:
        """Remove everything below a prefix; it is not an error if there is nothing."""
        self._checked(prefix)
        self._guard.do(prefix, lambda: self._backend.clear(prefix))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove single objects, many per request if the backend can; missing ones are not an error."""
        if checked := [self._checked(key) for key in keys]:
            self._guard.do(checked[0], lambda: self._backend.remove(checked))

    def objects(self, prefix: str) -> list[Found]:
        """Return the objects below a prefix, sorted by key."""
        self._checked(prefix)
        entries = self._guard.do(prefix, lambda: list(self._backend.objects(prefix)))
        return sorted(entries, key=lambda item: item.key)

    def children(self, prefix: str) -> list[str]:
        """Return the names directly below a prefix, of objects and of prefixes, sorted. Lists one level only."""
        self._checked(prefix)
        try:
            return sorted(self._guard.do(prefix, lambda: self._backend.children(prefix)))
        except ObjectMissing:
            return []

    def upload(
        self, prefix: str, files: Iterable[Upload], before: Callable[[], None] = lambda: None
    ) -> list[Artifact]:
        """Copy files below a prefix, several at once, and return their artifacts in the order of the files.

        Digests and sizes are those of the stored bytes, after gzip. `before` is called, from any thread, before
        anything is stored; an exception from it ends the upload. Raises StoreError with the first failure, once the
        uploads under way have ended.
        """
        wanted = list(files)
        small = (
            [] if self._backend.waits else [file for file in wanted if file.source.stat().st_size <= _SMALL]
        )
        with ThreadPoolExecutor(self._backend.stored_at_once, "qhas-upload") as threads:

            def begin(files: Iterable[Upload]) -> dict[Upload, Future[Artifact]]:
                return {file: threads.submit(self._upload, prefix, file, before) for file in files}

            begun = begin(file for file in wanted if file.compress and file not in small)
            together = [file for file in wanted if file not in begun and file not in small]
            with _no_more_after_an_error(threads):
                stored = self._upload_together(prefix, together, before)
                stored |= {file: self._upload_from_memory(prefix, file, before) for file in small}
            begun |= begin(file for file in together if file not in stored)
            stored |= dict(zip(begun, _results(threads, begun.values()), strict=True))
        if wanted:
            keys = [f"{prefix}/{artifact.path}" for artifact in stored.values()]
            self._guard.do(keys[0], lambda: self._backend.settle(keys), transfer=True)
        return [stored[file] for file in wanted]

    def _upload_together(
        self, prefix: str, files: list[Upload], before: Callable[[], None]
    ) -> dict[Upload, Artifact]:
        """Return those that were stored together; the others are still to be stored."""
        if len(files) < 2:
            return {}
        copies = [Copy(self._checked(f"{prefix}/{file.path}"), file.source) for file in files]
        before()
        digests = self._guard.do_many(copies[0].key, lambda: self._backend.put_many(copies))
        return {
            file: _artifact(file, copy.file.stat().st_size, digests[copy.key])
            for file, copy in zip(files, copies, strict=True)
            if copy.key in digests
        }

    def _upload(self, prefix: str, file: Upload, before: Callable[[], None]) -> Artifact:
        packed = packed_copy(file.source, self._scratch, self._packing)
        with packed if file.compress else nullcontext(file.source) as source:
            before()
            key = self._checked(f"{prefix}/{file.stored_path}")
            digest = self._guard.do(key, lambda: self._backend.put(source, key), transfer=True)
            return _artifact(file, source.stat().st_size, digest)

    def _upload_from_memory(self, prefix: str, file: Upload, before: Callable[[], None]) -> Artifact:
        content = file.source.read_bytes()
        content = gzipped_bytes(content) if file.compress else content
        before()
        key = self._checked(f"{prefix}/{file.stored_path}")
        digest = self._guard.do(key, lambda: self._backend.put_bytes(content, key), transfer=True)
        return _artifact(file, len(content), digest)

    def _checked(self, key: str) -> str:
        try:
            check_key(key)
        except ValueError as error:
            raise StoreError(f"The store {self.root} cannot hold an object named {key!r}: {error}") from error
        return key


def _artifact(file: Upload, size: int, digest: str) -> Artifact:
    return Artifact(name=file.name, path=file.stored_path, sha256=digest, size=size)


def _results(threads: ThreadPoolExecutor, begun: Iterable[Future[T]]) -> list[T]:
    """Return the results in order. Raises the first error once those under way have ended; no others are started."""
    with _no_more_after_an_error(threads):
        return [future.result() for future in begun]


@contextmanager
def _no_more_after_an_error(threads: ThreadPoolExecutor) -> Iterator[None]:
    try:
        yield
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        raise
