"""A workbench for each test, and a fake SDK shared by all tests of a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from tests.qhas.cell.workbench import Bench, bench_of

if TYPE_CHECKING:  # it loads ONNX Runtime, which most tests here do not need
    from tests.qhas.cell.references import OpenBench


@pytest.fixture(scope="session")
def fake_sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One fake SDK for all tests of a worker."""
    return build_fake_sdk(tmp_path_factory.mktemp("fake") / "sdk")


@pytest.fixture
async def bench(fake_sdk: Path, tmp_path: Path) -> AsyncIterator[Bench]:
    """A bench with a sound fake SDK and an un-cached DLC, on which nothing has run."""
    async with bench_of(fake_sdk, tmp_path, str(tmp_path / "store")) as bench:
        yield bench


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `map.onnx` and `flat.onnx`, and a store for what ONNX Runtime computes for them."""
    from tests.qhas.cell.references import write_network

    folder = tmp_path_factory.mktemp("networks")
    write_network(folder / "map.onnx")
    write_network(folder / "flat.onnx", flat=True)
    return folder


@pytest.fixture
def against(fake_sdk: Path, networks: Path, tmp_path: Path) -> OpenBench:
    """Open benches whose network is a DLC of the given shapes, with one of the networks as its reference."""
    from tests.qhas.cell.references import IMAGE, MAP

    def opened(
        inputs: dict[str, tuple[int, ...]] | None = None,
        outputs: dict[str, tuple[int, ...]] | None = None,
        reference: str = "map",
        listed: str = "random",
    ) -> AbstractAsyncContextManager[Bench]:
        dlc = make_dlc(
            tmp_path / "own.dlc", inputs=inputs or {"image": IMAGE}, outputs=outputs or {"map": MAP}
        )
        model = {"name": "net", "dlc": str(dlc), "reference": str(networks / f"{reference}.onnx")}
        return bench_of(fake_sdk, tmp_path, str(networks / "store"), model=model | {"inputs": listed})

    return opened
