"""Clients that send files to a bucket and fetch them: the store and others."""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qhas.store import Download, Store, Upload
from qhas.store.patience import Patience
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Job:
    """Files to send from a folder to a prefix of a bucket, or to fetch from there into a different folder."""

    bucket: str
    prefix: str
    folder: Path

    @property
    def files(self) -> list[Path]:
        """The files to send, or the originals of those to fetch."""
        return sorted(self.folder.iterdir())

    def key(self, file: Path) -> str:
        """Return the key under which a file of the folder is stored."""
        return f"{self.prefix}/{file.name}"


class Client(ABC):
    """A client of one bucket. It is created before the clock starts, and used once for a tiny object."""

    threads = 16

    def up(self, job: Job) -> None:
        """Send the job's files."""
        with ThreadPoolExecutor(self.threads) as threads:
            list(threads.map(lambda file: self.send(file, job.key(file)), job.files))

    def down(self, job: Job, target: Path) -> None:
        """Receive the job's files into another folder."""
        with ThreadPoolExecutor(self.threads) as threads:
            list(threads.map(lambda file: self.receive(job.key(file), target / file.name), job.files))

    @abstractmethod
    def __init__(self, bucket: str) -> None: ...

    @abstractmethod
    def send(self, file: Path, key: str) -> None:
        """Send a file."""

    @abstractmethod
    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""


class StoreClient(Client):
    """The product's store."""

    def __init__(self, bucket: str) -> None:
        self.store = Store(f"s3://{bucket}")

    def up(self, job: Job) -> None:
        """Send the job's files as a cell is published."""
        self.store.upload(job.prefix, [Upload(file.name, file, file.name) for file in job.files])

    def send(self, file: Path, key: str) -> None:
        """Send a file."""
        self.store.upload(key.rpartition("/")[0], [Upload(file.name, file, file.name)])

    def down(self, job: Job, target: Path) -> None:
        """Receive the job's files as a prepared graph is fetched, without comparing digests."""
        self.store.fetch_all([Download(job.key(file), target / file.name) for file in job.files])

    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""
        self.store.fetch(key, file)


class StoreByS3fs(StoreClient):
    """The store without obstore: its fallback if s3fs is configured with options that obstore does not support."""

    def __init__(self, bucket: str) -> None:
        clients = S3Clients(f"s3://{bucket}", Patience())
        self.store = Store(f"s3://{bucket}", backend=S3(clients, clients.base))


class Obstore(Client):
    """obstore as its documentation shows it, with threads for several files."""

    def __init__(self, bucket: str) -> None:
        from obstore.store import S3Store

        bundle = os.environ.get("AWS_CA_BUNDLE")
        self.s3 = S3Store(
            bucket,
            endpoint=os.environ["AWS_ENDPOINT_URL"],
            client_options={
                "allow_http": True,
                "timeout": "1 h",
                **({"root_certificate": Path(bundle).read_bytes()} if bundle else {}),
            },
        )

    def send(self, file: Path, key: str) -> None:
        """Send a file."""
        import obstore

        obstore.put(self.s3, key, file)

    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""
        import obstore

        with file.open("wb") as sink:
            for block in obstore.get(self.s3, key):
                sink.write(block)


class AsyncObstore(Obstore):
    """obstore's coroutines, 32 files at a time in one thread."""

    def up(self, job: Job) -> None:
        """Send the job's files."""
        import obstore

        async def one(file: Path) -> None:
            await obstore.put_async(self.s3, job.key(file), file)

        self._all(job, one)

    def down(self, job: Job, target: Path) -> None:
        """Receive the job's files into another folder."""
        import obstore

        async def one(file: Path) -> None:
            answer = await obstore.get_async(self.s3, job.key(file))
            with (target / file.name).open("wb") as sink:
                async for block in answer:
                    sink.write(block)

        self._all(job, one)

    @staticmethod
    def _all(job: Job, one: Callable[[Path], Coroutine[Any, Any, None]]) -> None:
        left = iter(job.files)

        async def work() -> None:
            for file in left:
                await one(file)

        async def run() -> None:
            await asyncio.gather(*(work() for _ in range(32)))

        asyncio.run(run())


class Boto3(Client):
    """boto3's transfer manager with its defaults, ten files at a time."""

    threads = 10

    def __init__(self, bucket: str) -> None:
        import boto3
        from botocore.config import Config

        self.bucket = bucket
        # Ceph 16 rejects the checksum that boto3 would otherwise send after the body over https.
        config = Config(max_pool_connections=16, request_checksum_calculation="when_required")
        self.s3 = boto3.client("s3", config=config)

    def send(self, file: Path, key: str) -> None:
        """Send a file."""
        self.s3.upload_file(str(file), self.bucket, key)

    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""
        self.s3.download_file(self.bucket, key, str(file))


class S3fs(Client):
    """s3fs with its defaults; it transfers several files at a time by itself."""

    def __init__(self, bucket: str) -> None:
        import s3fs

        config = {"request_checksum_calculation": "when_required"}
        self.bucket, self.fs = bucket, s3fs.S3FileSystem(config_kwargs=config)

    def up(self, job: Job) -> None:
        """Send the job's files."""
        self.fs.put(list(map(str, job.files)), [f"{self.bucket}/{job.key(file)}" for file in job.files])

    def down(self, job: Job, target: Path) -> None:
        """Receive the job's files into another folder."""
        self.fs.get(
            [f"{self.bucket}/{job.key(file)}" for file in job.files],
            [str(target / file.name) for file in job.files],
        )

    def send(self, file: Path, key: str) -> None:
        """Send a file."""
        self.fs.put_file(str(file), f"{self.bucket}/{key}")

    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""
        self.fs.get_file(f"{self.bucket}/{key}", str(file))


CLIENTS: dict[str, type[Client]] = {
    "store": StoreClient,
    "store, by s3fs": StoreByS3fs,
    "obstore": Obstore,
    "obstore, async": AsyncObstore,
    "boto3": Boto3,
    "s3fs": S3fs,
}
