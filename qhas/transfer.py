"""Files to and from an object store, whole, in bounded memory.

On S3 the bulk goes through obstore, at the address and with the credentials that s3fs found; s3fs itself holds whole
large files in memory unless told otherwise, and takes longer. `python -m bench.storage` measures both.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import fsspec

from qhas.digest import file_digest
from qhas.patience import Patience

if TYPE_CHECKING:
    from obstore.store import S3Credential, S3Store

PART = 8 << 20
"""Bytes sent or received at a time. Files up to this size are one request."""
_PARTS_AT_ONCE = 8
_MOST_PARTS = 9_000
"""S3 takes 10,000 parts an object."""
_SMALL_AT_ONCE = 16
_ASK_AGAIN = timedelta(minutes=5)


class Transfer(Protocol):
    """A way for file contents. Both methods raise what the backend raises."""

    def put(self, source: Path, path: str, content_type: str, /) -> str:
        """Store a file at the backend's path; the SHA-256 of what was sent."""

    def get(self, path: str, target: Path) -> str:
        """Copy an object to a file; the SHA-256 of what was written."""


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

    def get(self, path: str, target: Path) -> str:
        """Copy an object to a file; the SHA-256 of what was written."""
        self._fs.get_file(path, str(target), **self._get)
        return file_digest(target)


class S3Transfer:
    """By obstore. Up to 8 MiB a request; larger files one at a time, in parts of which eight are under way.

    So a process holds about 200 MB at most, however many threads call. Every request carries the digest of its body
    in its signature, which the server checks: what was stored needs no second look.
    """

    def __init__(self, fs: Any, bucket: str, patience: Patience) -> None:
        self._fs, self._bucket, self._patience = fs, bucket, patience
        self._opening = threading.Lock()
        self._opened: S3Store | None = None
        self._small = threading.BoundedSemaphore(_SMALL_AT_ONCE)
        self._large = threading.BoundedSemaphore(1)

    def put(self, source: Path, path: str, content_type: str) -> str:
        """Store a file; a multipart upload that fails is aborted. The digest is made while the bytes are sent."""
        import obstore

        size, store = source.stat().st_size, self._store()
        attributes = {"Content-Type": content_type}
        if size <= PART:
            with self._small:
                content = source.read_bytes()
                obstore.put(store, self._key(path), content, attributes=attributes)
            return hashlib.sha256(content).hexdigest()
        with self._large, ThreadPoolExecutor(1) as meanwhile:
            digest = meanwhile.submit(file_digest, source)
            obstore.put(
                store,
                self._key(path),
                source,
                attributes=attributes,
                chunk_size=max(PART, -(-size // _MOST_PARTS)),
                max_concurrency=_PARTS_AT_ONCE,
            )
            return digest.result()

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
            with _meanwhile(digest.update) as update:
                for block in answer.stream(min_chunk_size=PART // 2):
                    update(block)
                    sink.write(block)
        return digest.hexdigest()

    def _key(self, path: str) -> str:
        return path.removeprefix(f"{self._bucket}/")

    def _store(self) -> S3Store:
        with self._opening:
            if self._opened is None:
                self._opened = _open(self._fs, self._bucket, self._patience)
            return self._opened


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
    """Whether s3fs was given what obstore is not: encryption keys, other certificates, other ways to address a bucket."""
    return bool(
        fs.anon
        or fs.req_kw
        or fs.s3_additional_kwargs
        or set(fs.client_kwargs) - {"region_name", "endpoint_url"}
        or fs.config_kwargs.get("s3")
        or os.environ.get("AWS_CA_BUNDLE")
    )


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _open(fs: Any, bucket: str, patience: Patience) -> S3Store:
    from obstore.store import S3Store

    client = fs.connect()
    endpoint = client.meta.endpoint_url
    return S3Store(
        bucket,
        endpoint=endpoint,
        region=client.meta.region_name or "us-east-1",
        virtual_hosted_style_request=False,
        credential_provider=lambda: _credentials(fs),
        client_options={
            "allow_http": endpoint.startswith("http:"),
            "connect_timeout": timedelta(seconds=patience.answer),
            "read_timeout": timedelta(seconds=patience.answer),
            "timeout": timedelta(days=1),  # of a whole transfer
        },
        retry_config={
            "max_retries": 1000,
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


@contextmanager
def _meanwhile(work: Callable[[Any], None]) -> Iterator[Callable[[Any], None]]:
    """The work done in a thread, one piece behind its caller at most; finished, or its error raised, at the end."""
    pending: Future[None] | None = None

    def take(piece: Any) -> None:
        nonlocal pending
        if pending:
            pending.result()
        pending = thread.submit(work, piece)

    with ThreadPoolExecutor(1) as thread:
        yield take
        if pending:
            pending.result()
