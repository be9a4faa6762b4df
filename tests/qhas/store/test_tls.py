"""The store on a lab's S3 server whose certificate was issued by the lab's own authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.s3 import Ceph, MotoServer, S3Server, ceph_is_installed
from qhas.store import Download, Store, StoreError, Upload
from qhas.store.opening import open_backend
from qhas.store.patience import Patience
from qhas.store.s3 import PART
from qhas.store.s3_transfer import FastS3

NO_CEPH = pytest.mark.skipif(not ceph_is_installed(), reason="radosgw and ceph-osd are not installed")
IMPATIENT = Patience(total=2, first_wait=0.05, longest_wait=0.2, answer=60)


@pytest.fixture(
    scope="module",
    params=[
        MotoServer,
        pytest.param(Ceph, marks=[pytest.mark.slow, NO_CEPH]),
    ],
    ids=lambda kind: kind.__name__,
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with request.param(tmp_path_factory.mktemp("tls"), tls=True) as server:
        yield server


@pytest.fixture
def root(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in server.environ().items():
        monkeypatch.setenv(name, value)
    return f"s3://{server.bucket()}/lab"


@pytest.mark.parametrize("size", [100, 3 * PART + 1], ids=["small", "large"])
def test_files_travel_where_the_bundle_names_the_authority(root: str, tmp_path: Path, size: int) -> None:
    backend = open_backend(root, IMPATIENT)
    assert isinstance(backend, FastS3)
    store = Store(root, IMPATIENT, backend=backend)
    (source := tmp_path / "trace").write_bytes(bytes(range(251)) * (size // 251 + 1))
    stored = store.upload("runs", [Upload("trace", source, "trace"), Upload("again", source, "again")])
    target = tmp_path / "fetched"
    store.fetch_all([Download("runs/trace", target, stored[0].sha256)])
    assert target.read_bytes() == source.read_bytes()


def test_small_objects_are_written_created_and_removed(root: str) -> None:
    """Over https botocore would send a checksum after the body, which servers of some years ago refuse."""
    store = Store(root, IMPATIENT)
    assert store.write("runs/a", b"1")
    assert store.write("runs/b", b"1", only_if_absent=True)
    assert not store.write("runs/b", b"2", only_if_absent=True)
    assert store.read("runs/b") == b"1"
    store.delete("runs")
    assert store.children("runs") == []


def test_the_profile_may_name_the_authority_as_well(
    root: str, server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    assert server.certificates
    (config := tmp_path / "config").write_text(f"[default]\nca_bundle = {server.certificates.authority}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    store = Store(root, IMPATIENT)
    (source := tmp_path / "log").write_bytes(b"log")
    store.upload("runs", [Upload("log", source, "log")])
    assert store.read("runs/log") == b"log"


def test_without_the_authority_the_store_says_that_the_certificate_is_not_trusted(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    with pytest.raises(StoreError, match=r"(?i)certificate"):
        Store(root, IMPATIENT).require_writable()


def test_a_bundle_that_is_not_there_is_named(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(StoreError, match=r"AWS_CA_BUNDLE.*/no/such/bundle.pem"):
        Store(root, IMPATIENT)
