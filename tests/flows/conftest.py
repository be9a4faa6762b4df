"""A real Prefect server for the flows, and a lab with the fake SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from qhas import prefect_settings
from qhas.record import CellRecord, SweepRecord
from qhas.runs import load_run
from qhas.spec import ModelRef, SweepSpec
from qhas.store import Store
from tests.fakes.dlc import make_dlc
from tests.fakes.sdk import build_fake_sdk


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """One server for the session, with a database of its own."""
    prefect_settings.quieten()
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@dataclass(frozen=True)
class FakeLab:
    """A site with the fake SDK and a store of its own, and small networks."""

    folder: Path
    sdk: Path
    store: Store
    networks: tuple[str, ...]

    @property
    def site_file(self) -> Path:
        """site.yaml of the lab."""
        return self.folder / "site.yaml"

    def spec(self, **changes: object) -> SweepSpec:
        """Every network on two SoCs, unless changed."""
        models = [ModelRef(name=name, dlc=str(self.folder / f"{name}.dlc")) for name in self.networks]
        return SweepSpec.model_validate(
            {"name": "nightly", "models": models, "socs": ["sa8255", "qcs9100"], **changes}
        )

    def run(self, run_id: str) -> tuple[SweepRecord, dict[str, CellRecord]]:
        """A stored run and its finished cells by key."""
        run, cells = load_run(self.store, run_id)
        return run, {cell.cell.key: cell for cell in cells}


@pytest.fixture
def lab(tmp_path: Path) -> FakeLab:
    """A lab on the fake SDK with two networks."""
    return make_lab(tmp_path, ["alpha", "beta"])


def make_lab(folder: Path, networks: list[str]) -> FakeLab:
    """A lab on a fake SDK of its own."""
    sdk = build_fake_sdk(folder / "sdk")
    for name in networks:
        make_dlc(folder / f"{name}.dlc", graph=name)
    lab = FakeLab(folder, sdk, Store(str(folder / "store")), tuple(networks))
    lab.site_file.write_text(json.dumps({"store": str(folder / "store"), "sdk": {"root": str(sdk)}}))
    return lab
