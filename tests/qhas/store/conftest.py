"""An S3 server in a process of its own, a wire to it that breaks on demand, and stores over both."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from fakes.s3 import Ceph, MotoServer, S3Server, Wire, ceph_is_installed
from qhas.store import Store
from qhas.store.patience import Patience
from qhas.store.s3 import S3
from qhas.store.s3_clients import S3Clients
from qhas.store.s3_transfer import FastS3

PATIENCE = Patience(total=60, answer=2, first_wait=0.02, longest_wait=0.2)
"""Gives up soon on a server that hangs, and late on a machine that is busy."""


def _servers() -> list[Any]:
    no_ceph = pytest.mark.skipif(not ceph_is_installed(), reason="radosgw and ceph-osd are not installed")
    return [MotoServer, pytest.param(Ceph, marks=[pytest.mark.slow, no_ceph])]


@pytest.fixture(scope="session", params=_servers(), ids=lambda kind: kind.__name__)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for all tests, in each kind available."""
    with request.param(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def wire(server: S3Server) -> Iterator[Wire]:
    """The wire to the server."""
    with Wire(server.port) as wire:
        yield wire


@pytest.fixture(scope="session")
def bucket_of_all(server: S3Server) -> str:
    """A bucket for all tests."""
    return server.bucket()


@pytest.fixture
def bucket(bucket_of_all: str, server: S3Server, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket's name; the AWS variables lead to it over a wire without faults."""
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    for name, value in server.environ(wire.endpoint).items():
        monkeypatch.setenv(name, value)
    wire.order()
    return bucket_of_all


@pytest.fixture(scope="session")
def clients(server: S3Server, wire: Wire, bucket_of_all: str) -> S3Clients:
    """Clients that have been used once, since creating them takes longer than most tests."""
    with pytest.MonkeyPatch.context() as environ:
        environ.delenv("AWS_CA_BUNDLE", raising=False)
        for name, value in server.environ(wire.endpoint).items():
            environ.setenv(name, value)
        clients = S3Clients(f"s3://{bucket_of_all}/lab", PATIENCE)
        store_by(FastS3, clients, bucket_of_all).require_writable()
        clients.patient()
        clients.without_retries()
    return clients


def store_by(way: type[S3], clients: S3Clients, bucket: str, patience: Patience = PATIENCE) -> Store:
    """A store with a prefix of its own."""
    base = f"{bucket}/{uuid.uuid4().hex[:8]}"
    return Store(f"s3://{base}", patience, backend=way(clients, base))


@pytest.fixture
def s3(clients: S3Clients, bucket: str) -> Store:
    """A store with the backend that it opens by default."""
    return store_by(FastS3, clients, bucket)


@pytest.fixture(params=[FastS3, S3], ids=["obstore", "s3fs"])
def way(request: pytest.FixtureRequest) -> type[S3]:
    """Each of the two ways to transfer file contents."""
    kind: type[S3] = request.param
    return kind


@pytest.fixture
def either(way: type[S3], clients: S3Clients, bucket: str) -> Store:
    """A store that transfers contents in that way."""
    return store_by(way, clients, bucket)
