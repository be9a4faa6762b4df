"""`python -m bench.storage`: the store against other S3 clients, on the same server, one process a measurement.

The store also makes the SHA-256 of everything it sends and receives; the other clients do not.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.usage import Usage, peak_memory
from qhas.digest import file_digest
from qhas.store import Store, Upload
from qhas.transfer import bounded_s3fs
from tests.fakes.s3 import Ceph, MotoServer, S3Server

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


def _store_up(job: Job) -> None:
    Store(f"s3://{job.bucket}").upload(job.prefix, [Upload(f.name, f, f.name) for f in job.files])


def _store_down(job: Job, target: Path) -> None:
    store = Store(f"s3://{job.bucket}")

    def fetch(file: Path) -> None:
        store.fetch(f"{job.prefix}/{file.name}", target / file.name)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(fetch, job.files))


def _obstore(job: Job) -> Any:
    from obstore.store import S3Store

    endpoint = os.environ["AWS_ENDPOINT_URL"]
    return S3Store(job.bucket, endpoint=endpoint, client_options={"allow_http": True, "timeout": "1 h"})


def _obstore_up(job: Job) -> None:
    import obstore

    store = _obstore(job)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda f: obstore.put(store, f"{job.prefix}/{f.name}", f), job.files))


def _obstore_down(job: Job, target: Path) -> None:
    import obstore

    store = _obstore(job)

    def fetch(file: Path) -> None:
        with (target / file.name).open("wb") as sink:
            for block in obstore.get(store, f"{job.prefix}/{file.name}"):
                sink.write(block)

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(fetch, job.files))


def _boto3() -> tuple[Any, Any]:
    import boto3
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    client = boto3.client("s3", config=Config(max_pool_connections=16))
    return client, TransferConfig(max_concurrency=10)


def _boto3_up(job: Job) -> None:
    client, config = _boto3()
    with ThreadPoolExecutor(10) as threads:
        list(
            threads.map(
                lambda f: client.upload_file(str(f), job.bucket, f"{job.prefix}/{f.name}", Config=config),
                job.files,
            )
        )


def _boto3_down(job: Job, target: Path) -> None:
    client, config = _boto3()

    def fetch(file: Path) -> None:
        client.download_file(job.bucket, f"{job.prefix}/{file.name}", str(target / file.name), Config=config)

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(fetch, job.files))


def _s3fs_up(job: Job) -> None:
    import s3fs

    s3fs.S3FileSystem().put(
        list(map(str, job.files)), [f"{job.bucket}/{job.prefix}/{f.name}" for f in job.files]
    )


def _s3fs_down(job: Job, target: Path) -> None:
    import s3fs

    names = [file.name for file in job.files]
    s3fs.S3FileSystem().get(
        [f"{job.bucket}/{job.prefix}/{n}" for n in names], [str(target / n) for n in names]
    )


def _by_s3fs(job: Job) -> Store:
    """The store without obstore: what it falls back to where s3fs is configured with more than obstore takes."""
    store = Store(f"s3://{job.bucket}")
    store._transfer = bounded_s3fs(store._fs)
    return store


def _s3fs_bounded_up(job: Job) -> None:
    _by_s3fs(job).upload(job.prefix, [Upload(f.name, f, f.name) for f in job.files])


def _s3fs_bounded_down(job: Job, target: Path) -> None:
    store = _by_s3fs(job)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda f: store.fetch(f"{job.prefix}/{f.name}", target / f.name), job.files))


CLIENTS: dict[str, tuple[Callable[[Job], None], Callable[[Job, Path], None]]] = {
    "store": (_store_up, _store_down),
    "store, by s3fs": (_s3fs_bounded_up, _s3fs_bounded_down),
    "obstore": (_obstore_up, _obstore_down),
    "boto3": (_boto3_up, _boto3_down),
    "s3fs": (_s3fs_up, _s3fs_down),
}


def main(argv: Sequence[str]) -> int:
    """Exit code 0 with all figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.storage", description=__doc__)
    parser.add_argument("--server", choices=["ceph", "moto"], default="ceph")
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
    with tempfile.TemporaryDirectory(prefix="qhas-bench-") as scratch, ExitStack() as stack:
        (folder := Path(scratch) / "server").mkdir()
        memory = (chosen.megabytes + chosen.files // 10) * 3_000_000 + (1 << 30)
        server: S3Server = Ceph(folder, memory) if chosen.server == "ceph" else MotoServer(folder)
        figures = _rounds(stack.enter_context(server), Path(scratch), chosen)
    console.print(_table(figures))
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return 0


def _rounds(server: S3Server, scratch: Path, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    cases = {
        f"1 x {chosen.megabytes} MB": _files(scratch / "large", 1, chosen.megabytes * 1_000_000),
        f"{chosen.files} x 100 kB": _files(scratch / "small", chosen.files, SMALL_BYTES),
    }
    figures = []
    for number in range(chosen.rounds):
        for case, folder in cases.items():
            # Another first client each round: the first finds a colder server.
            for client in (
                chosen.clients[number % len(chosen.clients) :]
                + chosen.clients[: number % len(chosen.clients)]
            ):
                bucket = server.bucket()
                for direction in ("up", "down"):
                    done = _in_a_process(server, client, direction, bucket, folder)
                    figures.append({"case": case, "client": client, "direction": direction, **done})
                _empty(server.client(), bucket)
    return figures


def _in_a_process(
    server: S3Server, client: str, direction: str, bucket: str, folder: Path
) -> dict[str, float]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    argv = [sys.executable, "-m", "bench.storage", "--measure", client, direction, bucket, str(folder)]
    done = subprocess.run(
        argv, env=environ | server.environ(), check=True, stdout=subprocess.PIPE, timeout=1800
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _measure(client: str, direction: str, bucket: str, folder: str) -> dict[str, float]:
    """In a process of its own: wall and CPU seconds of one job, imports included, and the most memory held."""
    job = Job(bucket, "runs/bench", Path(folder))
    up, down = CLIENTS[client]
    with tempfile.TemporaryDirectory(prefix="qhas-bench-", dir=Path(folder).parent) as target:
        begin = time.perf_counter()
        if direction == "up":
            up(job)
        else:
            down(job, Path(target))
        seconds = time.perf_counter() - begin
        usage = Usage.so_far()
        if direction == "down":
            for file in job.files[:3]:
                if file_digest(file) != file_digest(Path(target) / file.name):
                    raise SystemExit(f"{client} damaged {file.name}")
    return {
        "seconds": seconds,
        "cpu_seconds": usage.cpu,
        "peak_mb": peak_memory() / 1e6,
    }


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
