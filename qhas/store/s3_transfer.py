"""Files to and from an object store, whole, in bounded memory.

On S3 the bulk goes through obstore, at the address and with the credentials that s3fs found; s3fs itself holds whole
large files in memory unless told otherwise, and takes longer. `python -m bench.storage` measures both.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import fsspec

from qhas.machine.digest import file_digest
from qhas.store.patience import Patience
from qhas.store.s3 import authorities

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

T = TypeVar("T")
R = TypeVar("R")

PART = 8 << 20
"""Bytes sent or received at a time. Files up to this size are one request."""
_PARTS_AT_ONCE = 8
_BLOCK = 1 << 20
"""Bytes of a large object that are kept at a time: few enough to be still in the processor's cache when they are written."""
_BEHIND = 8
"""Blocks that may have arrived and wait to be kept."""
_MOST_PARTS = 9_000
"""S3 takes 10,000 parts an object."""
_SMALL_AT_ONCE = 16
_TINY = 1 << 20
_TINY_AT_ONCE = 32
_ASK_AGAIN = timedelta(minutes=5)


class Sending(NamedTuple):
    """A file on its way to the backend's path."""

    source: Path
    path: str
    content_type: str


class Receiving(NamedTuple):
    """An object on its way to a file."""

    path: str
    target: Path


class Transfer(Protocol):
    """A way for file contents. `put` and `get` raise what the backend raises."""

    def put(self, source: Path, path: str, content_type: str, /) -> str:
        """Store a file at the backend's path; the SHA-256 of what was sent."""

    def put_tiny(self, files: Sequence[Sending]) -> list[str | None]:
        """Store what is quicker sent together; None, in place of the SHA-256, for a file that is left to `put`."""

    def get(self, path: str, target: Path) -> str:
        """Copy an object to a file; the SHA-256 of what was written."""

    def get_tiny(self, objects: Sequence[Receiving]) -> list[str | None]:
        """Copy what is quicker fetched together; None, in place of the SHA-256, for an object that is left to `get`."""

    def read_tiny(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        """Contents of small objects by path, None for one that is not there; what is left out is yet to be read."""


class FsspecTransfer:
    """By the file system's own means; `put_options` and `get_options` keep its memory bounded."""

    def __init__(
        self,
        fs: fsspec.AbstractFileSystem,
        put_options: dict[str, Any] | None = None,
        get_options: dict[str, Any] | None = None,
    ) -> None:
        self._fs, self._put, self._get = fs, put_options or {}, get_options or {}

    def put(self, source: Path, path: str, _content_type: str) -> str:
        """Store a file, of the type that the file system guesses; a stored size that differs from the file's is an OSError."""
        self._fs.put_file(str(source), path, **self._put)
        size = source.stat().st_size
        if self._fs.size(path) != size:
            raise OSError(f"{path} was stored with another size than the {size} bytes sent")
        return file_digest(source)

    def put_tiny(self, files: Sequence[Sending]) -> list[str | None]:
        """None: every file is left to `put`."""
        return [None] * len(files)

    def get(self, path: str, target: Path) -> str:
        """Copy an object to a file; the SHA-256 of what was written."""
        self._fs.get_file(path, str(target), **self._get)
        return file_digest(target)

    def get_tiny(self, objects: Sequence[Receiving]) -> list[str | None]:
        """None: every object is left to `get`."""
        return [None] * len(objects)

    def read_tiny(self, _paths: Sequence[str]) -> dict[str, bytes | None]:
        """Nothing: every object is yet to be read."""
        return {}


class S3Transfer:
    """By obstore. Up to 8 MiB a request; larger files one at a time, in parts of which eight are under way.

    So a process holds about 250 MB at most, however many threads call. What was stored needs no second look: over http
    every request carries the digest of its body in its signature, which the server checks; over https TLS does as much.
    """

    def __init__(self, fs: Any, bucket: str, patience: Patience) -> None:
        self._fs, self._bucket, self._patience = fs, bucket, patience
        self._opening = threading.Lock()
        self._opened: dict[Patience, S3Store] = {}
        self._small = threading.BoundedSemaphore(_SMALL_AT_ONCE)
        self._large = threading.BoundedSemaphore(1)

    def put(self, source: Path, path: str, content_type: str) -> str:
        """Store a file; a multipart upload that fails is aborted. The digest is of the bytes that were sent."""
        import obstore

        size, store = source.stat().st_size, self._store()
        attributes = {"Content-Type": content_type}
        if size <= PART:
            with self._small:
                content = source.read_bytes()
                obstore.put(store, self._key(path), content, attributes=attributes)
            return hashlib.sha256(content).hexdigest()
        part, digest = max(PART, -(-size // _MOST_PARTS)), hashlib.sha256()
        with self._large:
            obstore.put(
                store,
                self._key(path),
                _read(source, part, digest.update),
                attributes=attributes,
                chunk_size=part,
                max_concurrency=_PARTS_AT_ONCE,
            )
        return digest.hexdigest()

    def put_tiny(self, files: Sequence[Sending]) -> list[str | None]:
        """Store the files of up to 1 MiB, 32 under way, without a thread for each."""
        import obstore

        async def put(store: S3Store, file: Sending) -> str | None:
            if file.source.stat().st_size > _TINY:
                return None
            content = file.source.read_bytes()
            attributes = {"Content-Type": file.content_type}
            await obstore.put_async(store, self._key(file.path), content, attributes=attributes)
            return hashlib.sha256(content).hexdigest()

        return self._tiny(files, put)

    def get_tiny(self, objects: Sequence[Receiving]) -> list[str | None]:
        """Copy the objects of up to 1 MiB, 32 under way, without a thread for each."""
        import obstore

        async def get(store: S3Store, wanted: Receiving) -> str | None:
            answer = await obstore.get_async(store, self._key(wanted.path))
            if answer.meta["size"] > _TINY:
                return None
            content = await answer.bytes_async()
            wanted.target.write_bytes(content)
            return hashlib.sha256(content).hexdigest()

        return self._tiny(objects, get)

    def read_tiny(self, paths: Sequence[str]) -> dict[str, bytes | None]:
        """Contents of objects, 32 on their way, without a thread for each."""
        import obstore
        from obstore.exceptions import NotFoundError

        async def read(store: S3Store, path: str) -> tuple[bytes | None]:
            try:
                answer = await obstore.get_async(store, self._key(path))
                return (bytes(await answer.bytes_async()),)
            except NotFoundError:
                return (None,)

        found = self._tiny(paths, read)
        return {path: one[0] for path, one in zip(paths, found, strict=True) if one}

    def _tiny(self, items: Sequence[T], one: Callable[[S3Store, T], Awaitable[R | None]]) -> list[R | None]:
        """What becomes of each; None from the first failure on, which others then meet with their patience."""
        found: list[R | None] = [None] * len(items)
        left = iter(range(len(items)))

        async def work(store: S3Store) -> None:
            for index in left:
                try:
                    found[index] = await one(store, items[index])
                except Exception:
                    for _ in left:
                        pass

        async def all_of_them() -> None:
            store = self._store(replace(self._patience, total=0))
            await asyncio.gather(*(work(store) for _ in range(min(_TINY_AT_ONCE, len(items)))))

        if items:
            with ThreadPoolExecutor(1, "qhas-tiny") as thread:  # the caller's may have a loop of its own
                thread.submit(asyncio.run, all_of_them()).result()
        return found

    def get(self, path: str, target: Path) -> str:
        """Copy an object to a file; the SHA-256 of what was written, made while the next bytes arrive."""
        import obstore

        store = self._store()
        with self._small, target.open("wb") as sink:
            answer = obstore.get(store, self._key(path))
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

    def _key(self, path: str) -> str:
        return path.removeprefix(f"{self._bucket}/")

    def _store(self, patience: Patience | None = None) -> S3Store:
        patience = patience or self._patience
        with self._opening:
            if patience not in self._opened:
                self._opened[patience] = _open(self._fs, self._bucket, patience)
            return self._opened[patience]


def transfer_for(fs: fsspec.AbstractFileSystem, base: str, patience: Patience) -> Transfer:
    """The best way to the file system that is known to honour all it was configured with."""
    if "s3" not in _protocols(fs):
        return FsspecTransfer(fs)
    if _only_s3fs_can(fs):
        return bounded_s3fs(fs)
    return S3Transfer(fs, base.split("/", 1)[0], patience)


def bounded_s3fs(fs: fsspec.AbstractFileSystem) -> FsspecTransfer:
    """s3fs with four parts under way while sending, and one stream while receiving."""
    return FsspecTransfer(fs, {"chunksize": PART, "max_concurrency": 4}, {"max_concurrency": 1})


def _only_s3fs_can(fs: Any) -> bool:
    """Whether s3fs was given what obstore is not: encryption keys, client certificates, other ways to address a bucket."""
    return bool(
        fs.anon
        or fs.req_kw
        or fs.s3_additional_kwargs
        or set(fs.client_kwargs) - {"region_name", "endpoint_url"}
        or fs.config_kwargs.get("s3")
    )


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _open(fs: Any, bucket: str, patience: Patience) -> S3Store:
    from obstore.store import S3Store

    client = fs.connect()
    endpoint = client.meta.endpoint_url
    plain = endpoint.startswith("http:")
    return S3Store(
        bucket,
        endpoint=endpoint,
        region=client.meta.region_name or "us-east-1",
        virtual_hosted_style_request=False,
        credential_provider=lambda: _credentials(fs),
        unsigned_payload=not plain,  # TLS sees to it that the bytes arrive as they were sent
        client_options={
            **({"root_certificate": trusted} if (trusted := authorities(fs)) else {}),
            "allow_http": plain,
            "connect_timeout": timedelta(seconds=patience.answer),
            "read_timeout": timedelta(seconds=patience.answer),
            "timeout": timedelta(days=1),  # of a whole transfer
        },
        retry_config={
            "max_retries": 1000 if patience.total else 0,
            "retry_timeout": timedelta(seconds=patience.total),
            "backoff": {
                "init_backoff": timedelta(seconds=patience.first_wait),
                "max_backoff": timedelta(seconds=patience.longest_wait),
                "base": 2,
            },
        },
    )


def _credentials(fs: Any) -> S3Credential:
    """What botocore's chain gives: environment, profiles, roles. Short-lived ones are asked for again in time."""

    async def ask() -> Any:
        credentials = await fs.session.get_credentials()
        if fs.key and fs.secret:
            return fs.key, fs.secret, fs.token
        if credentials is None:
            from botocore.exceptions import NoCredentialsError

            raise NoCredentialsError
        frozen = await credentials.get_frozen_credentials()
        return frozen.access_key, frozen.secret_key, frozen.token

    key, secret, token = fsspec.asyn.sync(fs.loop, ask)
    return {
        "access_key_id": key,
        "secret_access_key": secret,
        "token": token,
        "expires_at": datetime.now(UTC) + _ASK_AGAIN if token else None,
    }


def _read(source: Path, size: int, update: Callable[[bytes], None]) -> Iterator[bytes]:
    """The file in blocks of that size; each is shown to `update` before."""
    with source.open("rb") as file:
        while block := file.read(size):
            update(block)
            yield block


@contextmanager
def _meanwhile(work: Callable[[T], object]) -> Iterator[Callable[[T], None]]:
    """The work done in a thread, a few pieces behind its caller at most; finished, or its error raised, at the end."""
    pending: deque[Future[object]] = deque()

    def take(piece: T) -> None:
        if len(pending) == _BEHIND:
            pending.popleft().result()
        pending.append(thread.submit(work, piece))

    with ThreadPoolExecutor(1) as thread:
        yield take
        for one in pending:
            one.result()
