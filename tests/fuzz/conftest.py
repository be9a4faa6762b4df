"""Files of a good cell on the fake SDK, the seeds for fuzzing."""

from __future__ import annotations

import asyncio

import pytest

from fakes.sdk import build_fake_sdk
from qhas.cell.artifacts import QHAS, RUNTRACE, TRACE
from qhas.cell.chrometrace import generate_chrometrace
from qhas.failures import Step
from tests.qhas.cell.workbench import bench_of, log_of


@pytest.fixture(scope="session")
def cell(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files that the viewer wrote for a cell, and its prepared DLC, by name."""
    folder = tmp_path_factory.mktemp("seeds")
    sdk = build_fake_sdk(folder / "sdk")

    async def run() -> dict[str, bytes]:
        async with bench_of(sdk, folder, str(folder / "store")) as bench:
            prepared, log = await log_of(bench)
            await generate_chrometrace(bench.work, prepared, log)
            files = [*bench.folder(Step.CHROMETRACE, 1).iterdir(), prepared.dlc]
            return {path.name: path.read_bytes() for path in files}

    return asyncio.run(run())


@pytest.fixture(scope="session")
def summary(cell: dict[str, bytes]) -> bytes:
    return cell[QHAS]


@pytest.fixture(scope="session")
def trace(cell: dict[str, bytes]) -> bytes:
    return cell[TRACE]


@pytest.fixture(scope="session")
def runtrace_file(cell: dict[str, bytes]) -> bytes:
    return cell[RUNTRACE]


@pytest.fixture(scope="session")
def prepared_dlc(cell: dict[str, bytes]) -> bytes:
    return cell["prepared.dlc"]
