"""Stores for the library's tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qhas.estimate.trial import Subject
from qhas.store import Store
from tests.qhas.estimating import HostSdk
from tests.qhas.failing_fs import FailingFileSystem


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store in a folder that does not exist yet, and one in memory."""
    if request.param == "local":
        return Store(str(tmp_path / "not" / "there" / "yet"))
    return Store(f"memory://{uuid.uuid4().hex}/lab")


@pytest.fixture
def failing() -> Iterator[set[str]]:
    """The operations that stores at `failing://` refuse."""
    FailingFileSystem.refused.clear()
    yield FailingFileSystem.refused
    FailingFileSystem.refused.clear()


@pytest.fixture
def host_sdk(tmp_path: Path) -> Callable[[str], HostSdk]:
    """Make an SDK for estimates; its behaviour is Python that sees `asked` and may set `cycles`."""
    return lambda behaviour="pass": HostSdk(tmp_path, behaviour)


@pytest.fixture
def disk_store(tmp_path: Path) -> Store:
    """An empty store in a folder."""
    return Store(str(tmp_path / "store"))


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """A network for queries to a fake host SDK alone."""
    return Subject(tmp_path / "net.dlc", "0" * 64, "sa8255")
