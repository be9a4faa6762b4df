"""Every client follows a bucket to a region other than the configured one, in whatever way the server states it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.s3 import Elsewhere, S3Server, Wire
from qhas.store import Download, Store, StoreError, Upload
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients
from tests.qhas.store.conftest import PATIENCE, store_by
from tests.qhas.store.wired import LARGE, file_of, sha256

pytestmark = pytest.mark.xdist_group("s3")
REGION = "eu-central-1"


@pytest.fixture(scope="session")
def bucket_elsewhere(server: S3Server) -> str:
    """A bucket in a region other than the configured one."""
    if type(server).__name__ != "MotoServer":
        pytest.skip("one server has regions")
    return server.bucket(REGION)


@pytest.fixture(params=Elsewhere)
def elsewhere(
    request: pytest.FixtureRequest, bucket: str, bucket_elsewhere: str, wire: Wire
) -> Iterator[str]:
    """That bucket, with the wire to it and a different AWS_DEFAULT_REGION."""
    wire.region = (REGION, request.param)
    try:
        yield bucket_elsewhere
    finally:
        wire.region = None


def test_everything_a_run_does_is_done_there(
    elsewhere: str, way: type[S3], wire: Wire, tmp_path: Path
) -> None:
    store = store_by(way, S3Clients(f"s3://{elsewhere}", PATIENCE), elsewhere)
    store.require_writable()
    files = [file_of(tmp_path, size, f"{size}.bin") for size in (10, 11, 2_000_000, LARGE)]
    stored = store.upload("runs/a", [Upload("file", file, file.name) for file in files])
    assert [artifact.sha256 for artifact in stored] == [sha256(file) for file in files]
    back = [
        Download(f"runs/a/{artifact.path}", tmp_path / f"back-{artifact.path}", artifact.sha256)
        for artifact in stored
    ]
    store.fetch_all(back)
    assert [sha256(item.target) for item in back] == [sha256(file) for file in files]
    assert store.read_all(["runs/a/10.bin", "runs/a/11.bin", "runs/a/none"])[:2] == [
        file.read_bytes() for file in files[:2]
    ]
    assert not store.write("runs/a/10.bin", b"other", only_if_absent=True)
    store.delete("runs")
    assert store.objects("runs") == []


def test_the_first_thing_that_is_asked_may_be_any(elsewhere: str, tmp_path: Path) -> None:
    (source := tmp_path / "file").write_bytes(b"bytes")
    upload = [Upload("file", source, name) for name in ("a", "b")]

    def opened() -> Store:
        return Store(f"s3://{elsewhere}/first", PATIENCE)

    opened().upload("x", upload)
    opened().fetch("x/a", tmp_path / "a")
    opened().fetch_all([Download(f"x/{name}", tmp_path / name, None) for name in "ab"])
    assert opened().read("x/a") == b"bytes"
    assert opened().read_all(["x/a", "x/b"]) == [b"bytes", b"bytes"]
    assert opened().children("x") == ["a", "b"]


@pytest.mark.parametrize("region", ["", "us-east-1/evil", "a b", "x" * 300])
def test_a_region_that_is_no_name_is_not_followed(
    bucket: str, bucket_elsewhere: str, way: type[S3], wire: Wire, region: str
) -> None:
    wire.region = (region or "-", Elsewhere.REDIRECT)
    store = store_by(way, S3Clients(f"s3://{bucket_elsewhere}", PATIENCE), bucket_elsewhere)
    try:
        with pytest.raises(StoreError) as refused:
            store.require_writable()
    finally:
        wire.region = None
    assert "\n" not in str(refused.value)
