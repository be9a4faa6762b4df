"""What S3 refuses, and how long a store retries: one sentence, and at once if waiting does not help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.s3 import Fault, MotoServer, S3Server, Wire, WireRule
from qhas.store import Store, StoreError, Upload
from qhas.store.patience import Patience
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients
from qhas.store.s3_errors import trouble_of
from tests.qhas.store.conftest import PATIENCE, store_by
from tests.qhas.store.wired import file_of, struck

pytestmark = pytest.mark.xdist_group("s3")


@pytest.mark.parametrize(
    "fault",
    [Fault.SLOW_DOWN, Fault.ERROR, Fault.HANG, Fault.RESET_ANSWERING, Fault.TRUNCATE, Fault.LOSE_ANSWER],
)
def test_small_reads_and_writes_outlive_what_passes(s3: Store, wire: Wire, fault: Fault) -> None:
    wire.order(WireRule(fault, times=1, method="PUT"), WireRule(fault, times=1, method="GET"))
    s3.write("runs/a/sweep.json", b"{}" * 500)
    assert s3.read("runs/a/sweep.json") == b"{}" * 500
    assert struck(wire) == [fault] * 2


def test_an_outage_shorter_than_the_patience_is_waited_out(either: Store, wire: Wire, tmp_path: Path) -> None:
    source = file_of(tmp_path, 1000)
    wire.outage(1.0)
    either.write("runs/a/sweep.json", b"{}")
    wire.outage(0.5)
    either.upload("runs/a", [Upload("trace", source, "trace.bin")])
    assert either.read("runs/a/trace.bin") == source.read_bytes()


def test_a_lasting_outage_is_one_sentence_while_it_lasts(
    way: type[S3], bucket: str, wire: Wire, tmp_path: Path
) -> None:
    source = file_of(tmp_path, 10)
    soon = Patience(total=1, answer=2, first_wait=0.02, longest_wait=0.2)
    store = store_by(way, S3Clients(f"s3://{bucket}", soon), bucket, soon)
    wire.outage(600)
    try:
        with pytest.raises(StoreError, match="runs/a/x: ") as error:
            store.upload("runs/a", [Upload("x", source, "x")])
    finally:
        wire.outage(0)
    assert "\n" not in str(error.value)


def test_no_permission_is_an_error_at_once(either: Store, wire: Wire, tmp_path: Path) -> None:
    wire.order(WireRule(Fault.DENY, times=None))
    for operation in (
        either.require_writable,
        lambda: either.write("runs/a/x", b"1"),
        lambda: either.read("runs/a/x"),
        lambda: either.upload("runs/a", [Upload("x", file_of(tmp_path, 10), "x")]),
        lambda: either.fetch("runs/a/x", tmp_path / "x"),
        lambda: either.read_all(["runs/a/x"]),
    ):
        wire.requests.clear()
        with pytest.raises(StoreError, match="these credentials may not do that"):
            operation()
        assert len(wire.requests) == 1


def test_of_a_batch_that_is_refused_no_more_begins_than_was_under_way(s3: Store, wire: Wire) -> None:
    wire.order(WireRule(Fault.DENY, times=None))
    with pytest.raises(StoreError, match=r"runs/\d+: these credentials may not do that"):
        s3.read_all([f"runs/{number}" for number in range(200)])
    assert len(wire.requests) <= 32


def test_a_bucket_that_is_not_there_is_an_error_at_once(bucket: str, wire: Wire, tmp_path: Path) -> None:
    store = Store("s3://no-such-bucket-of-ours/lab", PATIENCE)
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
    store = Store(f"s3://{bucket}/lab", PATIENCE)
    with pytest.raises(StoreError, match="there are no credentials; set AWS_ACCESS_KEY_ID"):
        store.require_writable()


def test_wrong_credentials_are_refused_without_showing_them(
    server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if isinstance(server, MotoServer):
        pytest.skip("moto believes every secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    store = Store(f"s3://{bucket}/lab", PATIENCE)
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
    mine = s3.root.removeprefix(f"s3://{bucket}/")
    assert "Contents" not in server.client().list_objects_v2(Bucket=bucket, Prefix=mine)


def test_marks_of_addresses_in_a_path_mean_nothing(bucket: str) -> None:
    store = Store(f"s3://{bucket}/lab/%2e%2e/a b%20/é?x=1&y#{{z}}", PATIENCE)
    store.require_writable()
    store.write("runs/a/x", b"1")
    assert [found.key for found in store.objects("runs")] == ["runs/a/x"]
    assert store.read_all(["runs/a/x", "runs/a/y"]) == [b"1", None]


@pytest.mark.parametrize("path", ["/lab", "lab//nights", "lab/../other", "./lab", ".."])
def test_a_path_that_clients_write_differently_is_refused_before_anything_is_asked(
    bucket: str, wire: Wire, path: str
) -> None:
    wire.requests.clear()
    with pytest.raises(StoreError, match=r"an empty part, `\.` or `\.\.`; write it as s3://bucket/folder"):
        Store(f"s3://{bucket}/{path}", PATIENCE)
    assert not wire.requests


def test_a_bucket_of_another_region_that_nothing_names_is_refused_at_once() -> None:
    class GenericError(Exception):
        """An exception as obstore raises it."""

    GenericError.__module__ = "obstore.exceptions"
    error = GenericError(
        "Generic S3 error: Received redirect without LOCATION, this normally indicates an incorrectly configured region"
    )
    trouble = trouble_of(error)
    assert not trouble.passes
    assert trouble.reason == "the bucket is in another region; check AWS_DEFAULT_REGION"


def test_the_check_of_a_store_uses_the_clients_of_uploads_and_fetches(
    either: Store, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    for name in ("put", "get", "write", "read", "clear"):
        real = getattr(either._backend, name)

        def note(*arguments: object, name: str = name, real: Callable[..., object] = real) -> object:
            used.append(name)
            return real(*arguments)

        monkeypatch.setattr(either._backend, name, note)
    either.require_writable()
    assert used == ["write", "put", "get", "read", "read", "clear"]
