"""Files reach S3 and come back complete, in order and with the right type, whatever happens to the wire."""

from __future__ import annotations

import gzip
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.s3 import Fault, S3Server, Wire, WireRule
from qhas.store import Download, ObjectDamaged, ObjectMissing, Store, Upload
from qhas.store.s3 import PART, S3
from tests.qhas.objects import keys_named
from tests.qhas.store.wired import LARGE, file_of, sha256, struck

pytestmark = pytest.mark.xdist_group("s3")


@pytest.mark.parametrize("size", [0, 1000, PART, LARGE], ids=["empty", "small", "one part", "multipart"])
def test_files_come_back_as_they_were_sent(either: Store, tmp_path: Path, size: int) -> None:
    source = file_of(tmp_path, size)
    (artifact,) = either.upload("runs/a", [Upload("trace", source, "trace.bin")])
    assert (artifact.sha256, artifact.size) == (sha256(source), size)
    either.fetch("runs/a/trace.bin", tmp_path / "back", artifact.sha256)
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_many_files_keep_their_order_and_their_types(
    s3: Store, server: S3Server, bucket: str, tmp_path: Path
) -> None:
    names = [f"{i:02}.html" for i in range(40)]
    uploads = [
        Upload(name, file_of(tmp_path, 3000, name), name, compress=i % 2 == 0) for i, name in enumerate(names)
    ]
    artifacts = s3.upload("runs/a", uploads)
    assert [artifact.name for artifact in artifacts] == names
    for upload, artifact in zip(uploads, artifacts, strict=True):
        stored = s3.read(f"runs/a/{artifact.path}") or b""
        assert hashlib.sha256(stored).hexdigest() == artifact.sha256
        assert (gzip.decompress(stored) if upload.compress else stored) == upload.source.read_bytes()
    head = server.client().head_object
    types = [
        head(Bucket=bucket, Key=f"{s3.root.removeprefix(f's3://{bucket}/')}/runs/a/{artifact.path}")[
            "ContentType"
        ]
        for artifact in artifacts[:2]
    ]
    assert types == ["application/gzip", "text/html"]


def test_many_objects_are_fetched_together_and_each_is_held_to_its_digest(
    either: Store, wire: Wire, tmp_path: Path
) -> None:
    uploads = [Upload(f"{i}", file_of(tmp_path, 20_000 + i, f"{i:03}.bin"), f"{i:03}.bin") for i in range(30)]
    artifacts = either.upload("runs/a", uploads)
    (back := tmp_path / "back").mkdir()
    wanted = [Download(f"runs/a/{a.path}", back / a.name, a.sha256) for a in artifacts]
    wire.order(WireRule(Fault.CORRUPT, method="GET"), WireRule(Fault.ERROR, method="GET"))
    either.fetch_all(wanted)
    assert [(back / up.name).read_bytes() for up in uploads] == [up.source.read_bytes() for up in uploads]
    with pytest.raises(ObjectDamaged, match=r"003\.bin"):
        either.fetch_all([*wanted[:3], replace(wanted[3], sha256="0" * 64)])
    assert len(list(back.iterdir())) == len(uploads)


def test_an_object_that_is_wanted_in_two_places_comes_to_both(either: Store, tmp_path: Path) -> None:
    either.write("runs/a/x", b"1")
    either.fetch_all([Download("runs/a/x", tmp_path / name) for name in ("one", "two")])
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"one": b"1", "two": b"1"}


def test_an_object_that_is_not_there_is_missing_at_once(either: Store, wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match="runs/a/none"):
        either.fetch("runs/a/none", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []
    assert len(wire.requests) <= 2


@pytest.mark.parametrize(
    "fault",
    [Fault.SLOW_DOWN, Fault.ERROR, Fault.HANG, Fault.RESET_SENDING, Fault.LOSE_ANSWER],
)
def test_an_upload_outlives_what_passes(
    either: Store, way: type[S3], wire: Wire, tmp_path: Path, fault: Fault
) -> None:
    if fault is Fault.HANG and way is S3:
        pytest.skip("s3fs has no clock for a server that stops reading in the middle of a body")
    source = file_of(tmp_path, LARGE)
    wire.order(WireRule(fault, method="PUT"))
    (artifact,) = either.upload("runs/a", [Upload("trace", source, "trace.bin")])
    assert struck(wire) == [fault]
    wire.order()
    either.fetch("runs/a/trace.bin", tmp_path / "back", artifact.sha256)


@pytest.mark.parametrize(
    "fault",
    [Fault.SLOW_DOWN, Fault.ERROR, Fault.HANG, Fault.RESET_ANSWERING, Fault.TRUNCATE, Fault.CORRUPT],
)
def test_a_download_outlives_what_passes(either: Store, wire: Wire, tmp_path: Path, fault: Fault) -> None:
    source = file_of(tmp_path, LARGE)
    (artifact,) = either.upload("runs/a", [Upload("trace", source, "trace.bin")])
    wire.order(WireRule(fault, method="GET"))
    either.fetch("runs/a/trace.bin", tmp_path / "back", artifact.sha256)
    assert fault in struck(wire)
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_bytes_that_stay_wrong_are_refused_and_not_left(either: Store, wire: Wire, tmp_path: Path) -> None:
    source = file_of(tmp_path, 50_000)
    (artifact,) = either.upload("runs/a", [Upload("trace", source, "trace.bin")])
    wire.order(WireRule(Fault.CORRUPT, method="GET", times=None))
    with pytest.raises(ObjectDamaged, match=r"trace\.bin:? (it )?does not hold the bytes that were stored"):
        either.fetch("runs/a/trace.bin", tmp_path / "back", artifact.sha256)
    assert [path.name for path in tmp_path.iterdir()] == ["trace.bin"]


def test_a_sweep_of_requests_outlives_a_bad_day(s3: Store, wire: Wire, tmp_path: Path) -> None:
    """One request in ten fails in some way; every object is stored complete."""
    wire.order(
        *(
            WireRule(f, times=None, chance=0.03)
            for f in (Fault.SLOW_DOWN, Fault.RESET_ANSWERING, Fault.LOSE_ANSWER)
        )
    )
    uploads = [Upload(f"{i}", file_of(tmp_path, 10_000, f"{i:03}.bin"), f"{i:03}.bin") for i in range(60)]
    artifacts = s3.upload("runs/a", uploads)
    for artifact in artifacts:
        assert hashlib.sha256(s3.read(f"runs/a/{artifact.path}") or b"").hexdigest() == artifact.sha256
    assert len(struck(wire)) > 3


def test_cells_publish_at_once_from_many_threads(s3: Store, tmp_path: Path) -> None:
    files = [file_of(tmp_path, 20_000 + i, f"{i}.bin") for i in range(5)]

    def publish(cell: int) -> list[str]:
        prefix = f"runs/a/cell-{cell}"
        s3.delete(prefix)
        artifacts = s3.upload(prefix, [Upload(f.name, f, f.name) for f in files])
        s3.write(f"{prefix}/manifest.json", json.dumps([a.sha256 for a in artifacts]).encode())
        return [artifact.sha256 for artifact in artifacts]

    with ThreadPoolExecutor(8) as threads:
        digests = list(threads.map(publish, range(8)))
    assert digests == [[sha256(file) for file in files]] * 8
    assert len(keys_named(s3, "runs/a", "manifest.json")) == 8
