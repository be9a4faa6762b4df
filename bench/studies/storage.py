"""`python -m bench.studies.storage`: the store against other S3 clients, on the same server, one process a measurement.

The store also makes the SHA-256 of everything it sends and receives; the other clients do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.usage import Usage, peak_memory
from fakes.s3 import Ceph, MotoServer, S3Server
from qhas.machine.digest import file_digest
from qhas.store import Download, Store, Upload
from qhas.store.patience import Patience
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients

SMALL_BYTES = 100_000
_CHUNK = 1 << 20
console = Console()


@dataclass(frozen=True)
class Job:
    """Files of a folder to a prefix of a bucket, or back into another folder."""

    bucket: str
    prefix: str
    folder: Path

    @property
    def files(self) -> list[Path]:
        """What is sent, or what is there to compare with."""
        return sorted(self.folder.iterdir())

    def key(self, file: Path) -> str:
        """Where a file of the folder is stored."""
        return f"{self.prefix}/{file.name}"


class Client(ABC):
    """A way to and from one bucket. Made before the clock starts, and used once for a tiny object."""

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
    """The product."""

    def __init__(self, bucket: str) -> None:
        self.store = Store(f"s3://{bucket}")

    def up(self, job: Job) -> None:
        """As a cell is published."""
        self.store.upload(job.prefix, [Upload(file.name, file, file.name) for file in job.files])

    def send(self, file: Path, key: str) -> None:
        """Send a file."""
        self.store.upload(key.rpartition("/")[0], [Upload(file.name, file, file.name)])

    def down(self, job: Job, target: Path) -> None:
        """As a prepared graph is fetched, digests not compared."""
        self.store.fetch_all([Download(job.key(file), target / file.name) for file in job.files])

    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""
        self.store.fetch(key, file)


class StoreByS3fs(StoreClient):
    """The store without obstore: what it falls back to where s3fs is configured with more than obstore takes."""

    def __init__(self, bucket: str) -> None:
        clients = S3Clients(f"s3://{bucket}", Patience())
        self.store = Store(f"s3://{bucket}", backend=S3(clients, clients.base))


class Obstore(Client):
    """obstore as its documentation shows it, with threads for many files."""

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
    """obstore's coroutines, 32 files under way in one thread."""

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
        # Ceph 16 refuses what boto3 would else send behind a body over https.
        config = Config(max_pool_connections=16, request_checksum_calculation="when_required")
        self.s3 = boto3.client("s3", config=config)

    def send(self, file: Path, key: str) -> None:
        """Send a file."""
        self.s3.upload_file(str(file), self.bucket, key)

    def receive(self, key: str, file: Path) -> None:
        """Receive a file."""
        self.s3.download_file(self.bucket, key, str(file))


class S3fs(Client):
    """s3fs with its defaults, which takes many files at once itself."""

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


def main(argv: Sequence[str]) -> int:
    """Exit code 0 with all figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.studies.storage", description=__doc__)
    parser.add_argument("--server", choices=["ceph", "moto"], default="ceph")
    parser.add_argument("--tls", action="store_true", help="over https")
    parser.add_argument("--megabytes", type=int, default=2000, help="size of the one large file")
    parser.add_argument("--files", type=int, default=2000, help="number of 100 kB files")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", nargs="*", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if chosen.measure:
        print(json.dumps(_measure(*chosen.measure)))
        return 0
    with tempfile.TemporaryDirectory(prefix="qhas-bench-") as scratch:
        figures = list(_rounds(Path(scratch), chosen))
    console.print(_table(figures))
    ratios = list(_against_the_best(figures))
    for one in ratios:
        console.print(
            "{case} {direction}: the store's rate is {ratio:.2f} of that of {client}".format(**one),
            highlight=False,
        )
    if chosen.json:
        document = {"figures": figures, "ratios": ratios}
        chosen.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return 0


def _against_the_best(figures: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The store's rate as a share of the best other client's: the median of the shares within each round."""
    for case, direction in dict.fromkeys((f["case"], f["direction"]) for f in figures):
        seconds: dict[str, list[float]] = defaultdict(list)
        for figure in figures:
            if (figure["case"], figure["direction"]) == (case, direction):
                seconds[figure["client"]].append(figure["seconds"])
        ours = seconds.pop("store", None)
        if ours and seconds:
            best = min(seconds, key=lambda client: statistics.median(seconds[client]))
            ratio = statistics.median(theirs / mine for theirs, mine in zip(seconds[best], ours, strict=True))
            yield {"case": case, "direction": direction, "client": best, "ratio": ratio}


def _rounds(scratch: Path, chosen: argparse.Namespace) -> Iterator[dict[str, Any]]:
    cases = {
        f"1 x {chosen.megabytes} MB": _files(scratch / "large", 1, chosen.megabytes * 1_000_000),
        f"{chosen.files} x 100 kB": _files(scratch / "small", chosen.files, SMALL_BYTES),
    }
    for number in range(chosen.rounds):
        # Another server each round: Ceph gives memory back late, and a full one answers nobody. Another first client, too.
        turn = number % len(chosen.clients)
        clients = chosen.clients[turn:] + chosen.clients[:turn]
        (place := scratch / f"server{number}").mkdir()
        with _server(place, chosen) as server:
            for folder in cases.values():  # memory that the server takes for the first time costs it time
                _in_a_process(server, clients[-1], "up", server.bucket(), folder)
            for (case, folder), client in product(cases.items(), clients):
                bucket = server.bucket()
                for direction in ("up", "down"):
                    done = _in_a_process(server, client, direction, bucket, folder)
                    yield {"case": case, "client": client, "direction": direction, **done}
                _empty(server.client(), bucket)
        shutil.rmtree(place)


def _server(place: Path, chosen: argparse.Namespace) -> S3Server:
    if chosen.server == "moto":
        return MotoServer(place, tls=chosen.tls)
    kept = (len(chosen.clients) + 2) * (chosen.megabytes * 1_000_000 + chosen.files * SMALL_BYTES)
    return Ceph(place, kept + (2 << 30), tls=chosen.tls)


def _in_a_process(
    server: S3Server, client: str, direction: str, bucket: str, folder: Path
) -> dict[str, float]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    argv = [
        sys.executable,
        "-m",
        "bench.studies.storage",
        "--measure",
        client,
        direction,
        bucket,
        str(folder),
    ]
    done = subprocess.run(
        argv, env=environ | server.environ(), check=True, stdout=subprocess.PIPE, timeout=1800
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _measure(name: str, direction: str, bucket: str, folder: str) -> dict[str, float]:
    """In a process of its own: wall and CPU seconds of one job with an open client, and the most memory held."""
    job = Job(bucket, "runs/bench", Path(folder))
    client = CLIENTS[name](bucket)
    with tempfile.TemporaryDirectory(prefix="qhas-bench-", dir=Path(folder).parent) as scratch:
        (tiny := Path(scratch) / "tiny").write_bytes(b"1")
        client.send(tiny, "warm/tiny")
        client.receive("warm/tiny", tiny)
        tiny.unlink()
        before = Usage.so_far()
        if direction == "up":
            client.up(job)
        else:
            client.down(job, Path(scratch))
        usage = Usage.so_far() - before
        if direction == "down":
            for file in job.files[:3]:
                if file_digest(file) != file_digest(Path(scratch) / file.name):
                    raise SystemExit(f"{name} damaged {file.name}")
    return {"seconds": usage.wall, "cpu_seconds": usage.cpu, "peak_mb": peak_memory() / 1e6}


def _files(folder: Path, number: int, size: int) -> Path:
    folder.mkdir()
    for index in range(number):
        with (folder / f"file-{index:05}.bin").open("wb") as sink:
            for begin in range(0, size, _CHUNK):
                sink.write(os.urandom(min(_CHUNK, size - begin)))
    return folder


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", [])]:
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def _table(figures: list[dict[str, Any]]) -> Table:
    table = Table("case", "direction", "client", "seconds: min / median", "CPU s", "peak MB")
    for case, direction, client in dict.fromkeys((f["case"], f["direction"], f["client"]) for f in figures):
        mine = [f for f in figures if (f["case"], f["direction"], f["client"]) == (case, direction, client)]
        seconds, cpu = [f["seconds"] for f in mine], statistics.median(f["cpu_seconds"] for f in mine)
        table.add_row(
            case,
            direction,
            client,
            f"{min(seconds):.2f} / {statistics.median(seconds):.2f}",
            f"{cpu:.2f}",
            f"{max(f['peak_mb'] for f in mine):.0f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
