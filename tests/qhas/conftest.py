"""Stores for the library's tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from qhas.store import Store
from tests.qhas.failing_fs import FailingFileSystem


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store in a folder that is not there yet, and one in memory."""
    if request.param == "local":
        return Store(str(tmp_path / "not" / "there" / "yet"))
    return Store(f"memory://{uuid.uuid4().hex}/lab")


@pytest.fixture
def failing() -> Iterator[set[str]]:
    """The operations that stores at `failing://` refuse."""
    FailingFileSystem.refused.clear()
    yield FailingFileSystem.refused
    FailingFileSystem.refused.clear()
