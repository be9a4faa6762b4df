"""A workbench for each test, and the fake SDK that all of a worker share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.sdk import build_fake_sdk
from tests.qhas.cell.workbench import Bench, bench_of


@pytest.fixture(scope="session")
def fake_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One fake SDK for all tests of a worker."""
    return build_fake_sdk(tmp_path_factory.mktemp("fake") / "sdk")


@pytest.fixture
async def bench(fake_sdk: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """A well fake SDK, an un-cached DLC, nothing run."""
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store")) as bench:
        yield bench
