"""`python -m bench.studies.storage`: the store against other S3 clients, on one server, one process per measurement.

The store also computes the SHA-256 of everything it sends and receives; the other clients do not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.failure import BenchFailed
from bench.size import Size
from bench.studies.storage_clients import CLIENTS, Job
from bench.usage import Usage, peak_memory
from fakes.s3 import Ceph, MotoServer, S3Server
from qhas.machine.digest import file_digest

SMALL_BYTES = 100_000
_CHUNK = 1 << 20
console = Console()


_ARGUMENTS = {
    Size.QUICK: ("--megabytes", "50", "--files", "50", "--rounds", "1"),
    Size.NORMAL: ("--megabytes", "500", "--files", "500", "--rounds", "2"),
    Size.FULL: (),
}


def measure(folder: Path, size: Size, _: Console) -> Any:
    """Print the table and return the figures. Raises BenchFailed if the server or a client fails."""
    results = folder / "storage.json"
    try:
        main([*_ARGUMENTS[size], "--json", str(results)])
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise BenchFailed(f"the object store or one of its clients: {error}") from error
    return json.loads(results.read_text(encoding="utf-8"))


def main(argv: Sequence[str]) -> int:
    """Measure all clients and print the table. Return exit code 0."""
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
    for ratio in ratios:
        console.print(
            "{case} {direction}: the store's rate is {ratio:.2f} of that of {client}".format(**ratio),
            highlight=False,
        )
    if chosen.json:
        document = {"figures": figures, "ratios": ratios}
        chosen.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return 0


def _against_the_best(figures: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the store's rate as a share of the best other client's: the median of the shares within each round."""
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
        # A new server each round: Ceph frees memory late and stops answering when full. The first client changes, too.
        turn = number % len(chosen.clients)
        clients = chosen.clients[turn:] + chosen.clients[:turn]
        (place := scratch / f"server{number}").mkdir()
        with _server(place, chosen) as server:
            for folder in cases.values():  # the server loses time when it first allocates memory
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
    """Return the wall and CPU seconds of one job with an open client, and the peak memory.

    Runs in a process of its own.
    """
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
