"""The store over the wire: a server that speaks the S3 protocol in a process of its own, and a wire that breaks on order."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.s3 import Ceph, Fault, MotoServer, S3Server, Wire, WireRule, ceph_is_installed
from qhas.store import Download, ObjectDamaged, ObjectMissing, Store, StoreError, Upload
from qhas.store.patience import Patience
from qhas.store.s3_transfer import PART, S3Transfer, bounded_s3fs

pytestmark = pytest.mark.xdist_group("s3")

IMPATIENT = Patience(total=2.5, answer=0.5, first_wait=0.02, longest_wait=0.2)
LARGE = PART + 5_000_000


def _servers() -> list[Any]:
    no_ceph = pytest.mark.skipif(not ceph_is_installed(), reason="radosgw and ceph-osd are not installed")
    return [MotoServer, pytest.param(Ceph, marks=[pytest.mark.slow, no_ceph])]


@pytest.fixture(scope="module", params=_servers(), ids=lambda kind: kind.__name__)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for all tests of this file."""
    with request.param(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def wire(server: S3Server) -> Iterator[Wire]:
    """The way to the server."""
    with Wire(server.port) as wire:
        yield wire


@pytest.fixture(scope="module")
def bucket_of_all(server: S3Server) -> str:
    """A bucket for all tests of this file."""
    return server.bucket()


@pytest.fixture
def bucket(bucket_of_all: str, server: S3Server, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its name; AWS variables lead to it over the wire, which works."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    for name, value in server.environ(wire.endpoint).items():
        monkeypatch.setenv(name, value)
    wire.order()
    return bucket_of_all


@pytest.fixture(scope="module")
def opened(server: S3Server, wire: Wire, bucket_of_all: str) -> Store:
    """A store with its clients made, which takes longer than most tests."""
    with pytest.MonkeyPatch.context() as environ:
        environ.delenv("AWS_CA_BUNDLE", raising=False)
        for name, value in server.environ(wire.endpoint).items():
            environ.setenv(name, value)
        store = Store(f"s3://{bucket_of_all}/lab", IMPATIENT)
        store.require_writable()
        assert isinstance(store._transfer, S3Transfer)
        store._transfer._store()
    return store


@pytest.fixture
def s3(opened: Store, bucket: str) -> Store:
    """The store, in a prefix of the test's own."""
    mine = copy.copy(opened)
    mine._base = f"{bucket}/{uuid.uuid4().hex[:8]}"
    return mine


@pytest.fixture(params=["obstore", "s3fs"])
def either(request: pytest.FixtureRequest, s3: Store) -> Store:
    """The store by each of its two ways for file contents."""
    if request.param == "s3fs":
        s3._transfer = bounded_s3fs(s3._fs)
    return s3


def file_of(folder: Path, size: int, name: str = "trace.bin") -> Path:
    """A file whose bytes do not repeat."""
    path = folder / name
    path.write_bytes(hashlib.shake_128(name.encode()).digest(size))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def struck(wire: Wire) -> list[Fault]:
    return [fault for _, _, fault in wire.requests if fault]


def test_what_was_written_is_read_listed_and_deleted(s3: Store) -> None:
    for key in ("runs/a/x.json", "runs/a/deep/y.json", "runs/ab/x.json"):
        s3.write(key, key.encode())
    assert s3.read("runs/a/x.json") == b"runs/a/x.json"
    assert s3.exists("runs/a/x.json")
    assert not s3.exists("runs/a")
    assert s3.find("runs", "x.json") == ["runs/a/x.json", "runs/ab/x.json"]
    assert s3.children("runs") == ["a", "ab"]
    s3.delete("runs/a")
    s3.delete("runs/a")
    assert s3.children("runs") == ["ab"]
    assert s3.read("runs/a/x.json") is None


def test_objects_tell_their_size_and_when_they_were_written(s3: Store) -> None:
    s3.write("runs/a/x.json", b"1234")
    [found] = s3.objects("runs/a")
    assert (found.key, found.size) == ("runs/a/x.json", 4)
    assert found.modified is not None
    assert abs(datetime.now(UTC) - found.modified) < timedelta(minutes=1)


def test_another_writers_objects_are_seen_at_once(s3: Store, bucket: str) -> None:
    assert s3.children("runs") == []
    Store(f"s3://{s3._base}").write("runs/a/x", b"1")
    assert s3.children("runs") == ["a"]
    assert s3.exists("runs/a/x")


@pytest.mark.slow
def test_more_objects_than_one_page_are_listed_and_removed(s3: Store, server: S3Server, bucket: str) -> None:
    client = server.client()
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(
                lambda i: client.put_object(
                    Bucket=bucket, Key=f"{s3._base[len(bucket) + 1 :]}/p/{i:04}", Body=b""
                ),
                range(1005),
            )
        )
    keys = [found.key for found in s3.objects("p")]
    assert keys == [f"p/{i:04}" for i in range(1005)]
    s3.remove([*keys, "p/never-there"])
    assert s3.objects("p") == []


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
        head(Bucket=bucket, Key=f"{s3._base[len(bucket) + 1 :]}/runs/a/{artifact.path}")["ContentType"]
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


def test_an_object_that_is_not_there_is_missing_at_once(either: Store, wire: Wire, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing, match="runs/a/none"):
        either.fetch("runs/a/none", tmp_path / "target")
    assert list(tmp_path.iterdir()) == []
    assert len(wire.requests) <= 2


@pytest.mark.parametrize(
    "fault",
    [Fault.SLOW_DOWN, Fault.ERROR, Fault.HANG, Fault.RESET_SENDING, Fault.LOSE_ANSWER],
)
def test_an_upload_outlives_what_passes(either: Store, wire: Wire, tmp_path: Path, fault: Fault) -> None:
    if fault is Fault.HANG and not isinstance(either._transfer, S3Transfer):
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


@pytest.mark.parametrize(
    "fault",
    [Fault.SLOW_DOWN, Fault.ERROR, Fault.HANG, Fault.RESET_ANSWERING, Fault.TRUNCATE, Fault.LOSE_ANSWER],
)
def test_small_reads_and_writes_outlive_what_passes(s3: Store, wire: Wire, fault: Fault) -> None:
    wire.order(WireRule(fault, times=1, method="PUT"), WireRule(fault, times=1, method="GET"))
    s3.write("runs/a/sweep.json", b"{}" * 500)
    assert s3.read("runs/a/sweep.json") == b"{}" * 500
    assert struck(wire) == [fault] * 2


def test_a_sweep_of_requests_outlives_a_bad_day(s3: Store, wire: Wire, tmp_path: Path) -> None:
    """One request in ten fails in one way or another; every object is stored, whole."""
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


def test_an_outage_shorter_than_the_patience_is_waited_out(either: Store, wire: Wire, tmp_path: Path) -> None:
    source = file_of(tmp_path, 1000)
    wire.outage(1.0)
    either.write("runs/a/sweep.json", b"{}")
    wire.outage(0.5)
    either.upload("runs/a", [Upload("trace", source, "trace.bin")])
    assert either.read("runs/a/trace.bin") == source.read_bytes()


def test_a_lasting_outage_is_one_sentence_within_the_patience(
    either: Store, wire: Wire, tmp_path: Path
) -> None:
    source = file_of(tmp_path, 10)
    wire.outage(60)
    begin = time.monotonic()
    try:
        with pytest.raises(StoreError, match="runs/a/x: ") as error:
            either.upload("runs/a", [Upload("x", source, "x")])
    finally:
        wire.outage(0)
    assert time.monotonic() - begin < IMPATIENT.total + 2
    assert "\n" not in str(error.value)


def test_no_permission_is_an_error_at_once(either: Store, wire: Wire, tmp_path: Path) -> None:
    wire.order(WireRule(Fault.DENY, times=None))
    for operation in (
        either.require_writable,
        lambda: either.write("runs/a/x", b"1"),
        lambda: either.read("runs/a/x"),
        lambda: either.upload("runs/a", [Upload("x", file_of(tmp_path, 10), "x")]),
        lambda: either.fetch("runs/a/x", tmp_path / "x"),
    ):
        wire.requests.clear()
        with pytest.raises(StoreError, match="these credentials may not do that"):
            operation()
        assert len(wire.requests) == 1


def test_a_bucket_that_is_not_there_is_an_error_at_once(bucket: str, wire: Wire, tmp_path: Path) -> None:
    store = Store("s3://no-such-bucket-of-ours/lab", IMPATIENT)
    for operation in (
        store.require_writable,
        lambda: store.read("runs/a/x"),
        lambda: store.upload("runs/a", [Upload("x", file_of(tmp_path, 10), "x")]),
    ):
        wire.requests.clear()
        with pytest.raises(StoreError, match="there is no such bucket"):
            operation()
        assert len(wire.requests) == 1


def test_missing_credentials_are_named(bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    store = Store(f"s3://{bucket}/lab", IMPATIENT)
    with pytest.raises(StoreError, match="there are no credentials; set AWS_ACCESS_KEY_ID"):
        store.require_writable()


def test_wrong_credentials_are_refused_without_showing_them(
    server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if isinstance(server, MotoServer):
        pytest.skip("moto believes every secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    store = Store(f"s3://{bucket}/lab", IMPATIENT)
    for operation in (
        store.require_writable,
        lambda: store.upload("runs/a", [Upload("x", file_of(tmp_path, 10), "x")]),
    ):
        with pytest.raises(StoreError, match=r"check AWS_ACCESS_KEY_ID|may not do that") as error:
            operation()
        assert "not-the-secret" not in str(error.value)
        assert server.access_key not in str(error.value)


def test_credentials_of_a_profile_serve_both_ways(
    server: S3Server, bucket: str, either: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    profile = tmp_path / "credentials"
    profile.write_text(
        f"[rack]\naws_access_key_id = {server.access_key}\naws_secret_access_key = {server.secret_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_PROFILE", "rack")
    either.write("runs/a/x", b"1")
    either.upload("runs/a", [Upload("y", file_of(tmp_path, 10), "y")])
    assert either.children("runs/a") == ["x", "y"]


def test_a_writable_store_is_found_writable_and_left_as_it_was(
    s3: Store, server: S3Server, bucket: str
) -> None:
    s3.require_writable()
    mine = s3._base.removeprefix(f"{bucket}/")
    assert "Contents" not in server.client().list_objects_v2(Bucket=bucket, Prefix=mine)


def test_small_objects_are_read_together_and_those_that_are_not_there_are_none(s3: Store, wire: Wire) -> None:
    keys = [f"runs/{number}" for number in range(50)]
    for key in keys[::2]:
        s3.write(key, key.encode())
    wire.order(WireRule(Fault.SLOW_DOWN, method="GET", after=20))
    assert s3.read_all(keys) == [key.encode() if number % 2 == 0 else None for number, key in enumerate(keys)]
    assert struck(wire) == [Fault.SLOW_DOWN]


def test_of_writers_at_once_one_creates_the_object(s3: Store) -> None:
    with ThreadPoolExecutor(12) as threads:
        won = list(threads.map(lambda i: s3.write("claim", b"%d" % i, only_if_absent=True), range(12)))
    assert won.count(True) == 1
    assert s3.read("claim") == b"%d" % won.index(True)


def test_a_creation_whose_answer_was_lost_counts_as_done(s3: Store, wire: Wire) -> None:
    wire.order(WireRule(Fault.LOSE_ANSWER, method="PUT"))
    assert s3.write("claim", b"mine", only_if_absent=True)
    assert struck(wire) == [Fault.LOSE_ANSWER]
    assert not s3.write("claim", b"theirs", only_if_absent=True)


def test_at_a_server_that_ignores_conditions_what_is_there_stays(
    s3: Store, server: S3Server, wire: Wire
) -> None:
    if not isinstance(server, MotoServer):
        pytest.skip("the header is signed: it can only be dropped before a server that checks no signature")
    wire.ignore_conditions = True
    try:
        assert s3.write("claim", b"mine", only_if_absent=True)
        assert not s3.write("claim", b"theirs", only_if_absent=True)
        assert s3.read("claim") == b"mine"
    finally:
        wire.ignore_conditions = False


def test_a_link_opens_without_credentials_until_it_expires(s3: Store) -> None:
    s3.write("reports/a/index.html", b"<html>")
    link = s3.link("reports/a/index.html", timedelta(minutes=5))
    assert link is not None
    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"<html>"
        assert answer.headers["Content-Type"] == "text/html"
    assert "Expires" in link
    assert "a-secret" not in link


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
    assert len(s3.find("runs/a", "manifest.json")) == 8


def test_only_the_prefix_that_is_asked_for_is_listed(s3: Store, wire: Wire) -> None:
    s3.write("runs/a/x", b"1")
    wire.requests.clear()
    s3.children("runs")
    s3.objects("runs/a")
    s3.delete("runs/a")
    s3.exists("prepared/key/manifest.json")
    listings = [target for method, target, _ in wire.requests if "list-type" in target]
    assert listings
    assert all(f"prefix={s3._base.rpartition('/')[2]}%2Fruns%2F" in target for target in listings)


def test_reading_through_threads_while_others_write_is_never_a_part(s3: Store) -> None:
    versions = [bytes([65 + i]) * 2000 for i in range(5)]
    s3.write("k", versions[0])
    done = threading.Event()

    def write() -> None:
        for version in versions * 3:
            s3.write("k", version)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = set()
    while not done.is_set():
        seen.add(s3.read("k"))
    thread.join()
    assert seen <= set(versions)


_MEASURED = """
import sys
from pathlib import Path
from qhas.store import Store, Upload
from qhas.store.s3_transfer import bounded_s3fs
store, folder = Store(sys.argv[1]), Path(sys.argv[2])
if sys.argv[3] == "s3fs":
    store._transfer = bounded_s3fs(store._fs)
store.upload("runs/a", [Upload("x", file, file.name) for file in sorted(folder.glob("*.bin"))])
for file in sorted(folder.glob("*.bin")):
    store.fetch(f"runs/a/{file.name}", folder / "back")
print(next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) * 1024)
"""


def peak_of(s3: Store, folder: Path, way: str) -> int:
    """The most memory that a process holds which sends the folder's files and gets them back, in bytes."""
    argv = [sys.executable, "-c", _MEASURED, s3.url("x")[: -len("/x")], str(folder), way]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["obstore", "s3fs"])
def test_memory_does_not_grow_with_the_size_of_a_file(s3: Store, tmp_path: Path, way: str) -> None:
    peaks = []
    for name, size in (("small", 100_000), ("large", 256_000_000)):
        (tmp_path / name).mkdir()
        with file_of(tmp_path / name, 1000).open("r+b") as file:
            file.truncate(size)
        peaks.append(peak_of(s3, tmp_path / name, way))
    assert peaks[1] - peaks[0] < 130_000_000


@pytest.mark.slow
def test_memory_stays_flat_for_files_of_two_gigabytes(s3: Store, server: S3Server, tmp_path: Path) -> None:
    if isinstance(server, MotoServer):
        pytest.skip("moto keeps parts in memory for long")
    file_of(tmp_path, 1_000_000)
    with (tmp_path / "trace.bin").open("r+b") as file:
        file.truncate(2_000_000_000)
    assert peak_of(s3, tmp_path, "obstore") < 350_000_000
