"""The fast path of S3: file contents, and many small objects at once, through obstore.

s3fs holds large files in memory as a whole unless told otherwise, and is slower. `python -m bench.studies.storage`
measures both.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import fsspec
import obstore
from obstore.store import S3Store

from qhas.store.errors import ObjectMissing
from qhas.store.objects import Batch, Copy, content_type, require_readable
from qhas.store.patience import Patience
from qhas.store.s3 import PART, S3
from qhas.store.s3_answers import require_tag
from qhas.store.s3_clients import S3Clients

T = TypeVar("T")
R = TypeVar("R")

_PARTS_AT_ONCE = 8
_BLOCK = 1 << 20
"""Bytes of a large object written at a time: few enough to be still in the processor's cache when they are written."""
_BEHIND = 8
"""Maximum number of blocks that have arrived and wait to be written."""
_MOST_PARTS = 9_000
"""S3 accepts 10,000 parts per object."""
_SMALL_AT_ONCE = 16
_TINY = 1 << 20
_TINY_AT_ONCE = 32


def open_s3(root: str, patience: Patience) -> S3:
    """Open the bucket in the fastest way that honours its whole configuration. Raises ImportError and ValueError."""
    clients = S3Clients(root, patience)
    return FastS3(clients, clients.base) if clients.obstore_can else S3(clients, clients.base)


class FastS3(S3):
    """Sends files up to 8 MiB in one request; larger ones one at a time, in parts of which eight are under way.

    So a process holds about 250 MB at most, however many threads call. What was stored needs no second check: over
    http, every request carries the digest of its body in its signature, which the server checks; over https, TLS does
    as much.
    """

    def __init__(self, clients: S3Clients, base: str) -> None:
        super().__init__(clients, base)
        self._clients = clients
        self._small = threading.BoundedSemaphore(_SMALL_AT_ONCE)
        self._large = threading.BoundedSemaphore(1)

    def put(self, file: Path, key: str) -> str:
        """Store a file; a multipart upload that fails is aborted. The digest is that of the bytes sent."""
        return self._in_its_region(lambda store: self._put_by(store, file, key))

    def _put_by(self, store: S3Store, file: Path, key: str) -> str:
        size = file.stat().st_size
        attributes = {"Content-Type": content_type(key)}
        if size <= PART:
            with self._small:
                content = file.read_bytes()
                obstore.put(store, self._name(key), content, attributes=attributes)
            return hashlib.sha256(content).hexdigest()
        part, digest = max(PART, -(-size // _MOST_PARTS)), hashlib.sha256()
        with self._large:
            obstore.put(
                store,
                self._name(key),
                _read(file, part, digest.update),
                attributes=attributes,
                chunk_size=part,
                max_concurrency=_PARTS_AT_ONCE,
            )
        return digest.hexdigest()

    def get(self, key: str, file: Path) -> str:
        """Copy an object to a file; the digest is computed while the next bytes arrive."""
        return self._in_its_region(lambda store: self._get_by(store, key, file))

    def _get_by(self, store: S3Store, key: str, file: Path) -> str:
        with self._small, file.open("wb") as sink:
            answer = obstore.get(store, self._name(key))
            require_tag(self._clients.endpoint, answer.meta["e_tag"])
            if answer.meta["size"] <= PART:
                content = answer.bytes()
                sink.write(content)
                return hashlib.sha256(content).hexdigest()
            digest = hashlib.sha256()

            def keep(block: bytes) -> None:
                digest.update(block)
                sink.write(block)

            with _meanwhile(keep) as take:
                for block in answer.stream(min_chunk_size=_BLOCK):
                    take(block)
        return digest.hexdigest()

    def read_many(self, keys: Sequence[str]) -> Batch[bytes | None]:
        """Return the contents of objects."""

        async def read(store: S3Store, key: str) -> tuple[bytes | None]:
            try:
                answer = await obstore.get_async(store, self._name(key))
                require_tag(self._clients.endpoint, answer.meta["e_tag"])
                require_readable(answer.meta["size"])
                return (bytes(await answer.bytes_async()),)
            except Exception as error:
                if self.explain(error).kind is ObjectMissing:
                    return (None,)
                raise

        batch = self._together({key: key for key in keys}, read)
        return Batch({key: content for key, (content,) in batch.done.items()}, batch.failed)

    def put_many(self, copies: Sequence[Copy]) -> Batch[str]:
        """Store the files of up to 1 MiB."""

        async def put(store: S3Store, copy: Copy) -> str | None:
            if copy.file.stat().st_size > _TINY:
                return None
            content = copy.file.read_bytes()
            attributes = {"Content-Type": content_type(copy.key)}
            await obstore.put_async(store, self._name(copy.key), content, attributes=attributes)
            return hashlib.sha256(content).hexdigest()

        return self._together({copy.key: copy for copy in copies}, put)

    def get_many(self, copies: Sequence[Copy], arrived: Callable[[Copy, str], object]) -> Batch[str]:
        """Copy the objects of up to 1 MiB."""

        async def get(store: S3Store, copy: Copy) -> str | None:
            answer = await obstore.get_async(store, self._name(copy.key))
            require_tag(self._clients.endpoint, answer.meta["e_tag"])
            if answer.meta["size"] > _TINY:
                return None
            content = await answer.bytes_async()
            _write(copy.file, content)
            digest = hashlib.sha256(content).hexdigest()
            arrived(copy, digest)
            return digest

        return self._together({copy.key: copy for copy in copies}, get)

    def _together(self, items: dict[str, T], work: Callable[[S3Store, T], Awaitable[R | None]]) -> Batch[R]:
        """Do the work on every item, and again on the remaining ones if the bucket is in another region."""
        batch = self._together_by(store := self._clients.without_retries(), items, work)
        if batch.failed and self._clients.followed(batch.failed[1], store):
            rest = {key: item for key, item in items.items() if key not in batch.done}
            again = self._together_by(self._clients.without_retries(), rest, work)
            return Batch(batch.done | again.done, again.failed)
        return batch

    def _together_by(
        self, store: S3Store, items: dict[str, T], work: Callable[[S3Store, T], Awaitable[R | None]]
    ) -> Batch[R]:
        """Do the work with 32 items under way, on the loop that s3fs runs in a thread of its own."""
        left = iter(items.items())
        done: dict[str, R] = {}
        failures: list[tuple[str, Exception]] = []

        async def work_on_some() -> None:
            for key, item in left:  # the iterator is shared: each item is handled once
                if failures:
                    return
                try:
                    if (result := await work(store, item)) is not None:
                        done[key] = result
                except Exception as error:
                    failures.append((key, error))

        async def work_on_all() -> None:
            await asyncio.gather(*(work_on_some() for _ in range(min(_TINY_AT_ONCE, len(items)))))

        fsspec.asyn.sync(self._fs.loop, work_on_all)
        return Batch(done, failures[0] if failures else None)

    def _in_its_region(self, work: Callable[[S3Store], T]) -> T:
        """Do the work by obstore, a second time if the bucket turns out to be in a different region."""
        store = self._clients.patient()
        try:
            return work(store)
        except Exception as error:
            if not self._clients.followed(error, store):
                raise
        return work(self._clients.patient())


def _write(target: Path, content: obstore.Bytes) -> None:
    """Write as `Path.write_bytes` does, without a buffer and the system calls that Python makes to set one up."""
    rest = memoryview(content)
    with open(target, "wb", buffering=0) as sink:  # noqa: PTH123
        while rest:
            rest = rest[sink.write(rest) :]


def _read(source: Path, size: int, update: Callable[[bytes], None]) -> Iterator[bytes]:
    """Yield the file in blocks of that size, passing each to `update` first."""
    with source.open("rb") as file:
        while block := file.read(size):
            update(block)
            yield block


@contextmanager
def _meanwhile(work: Callable[[T], object]) -> Iterator[Callable[[T], None]]:
    """Do the work in a thread, at most a few pieces behind the caller.

    At the end it is finished, or its error is raised.
    """
    pending: deque[Future[object]] = deque()

    def take(piece: T) -> None:
        if len(pending) == _BEHIND:
            pending.popleft().result()
        pending.append(thread.submit(work, piece))

    with ThreadPoolExecutor(1) as thread:
        yield take
        for future in pending:
            future.result()
