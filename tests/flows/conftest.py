"""A real Prefect server for the flows, and a lab with the fake SDK."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.sweep.spec import ModelRef, SweepSpec

if TYPE_CHECKING:
    from prefect.states import State

    from tests.flows.sites_at_work import Sites

ROOT = Path(__file__).parents[2]
POOL = "lab"


def prefect_command(*arguments: str, **variables: str) -> tuple[list[str], dict[str, str]]:
    """Return Prefect's own command line for use against the tests' server, and its environment."""
    from prefect.settings import PREFECT_API_URL

    command = [str(Path(sys.executable).parent / "prefect"), *arguments]
    return command, {
        **os.environ,
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "COLUMNS": "200",
        **variables,
    }


def prefect(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Prefect's own command to completion."""
    command, environment = prefect_command(*arguments, **variables)
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


@pytest.fixture(scope="session")
def deployed(prefect_server: None) -> None:
    """The work pool, and the deployments of prefect.yaml unchanged."""
    asyncio.run(_make_pool())
    done = prefect("--no-prompt", "deploy", "--all")
    assert done.returncode == 0, done.stdout + done.stderr


async def _make_pool() -> None:
    """Create the pool as Prefect's command does, without the two seconds that the command takes to start."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))


@dataclass(frozen=True)
class FakeLab:
    """A site with the fake SDK and its own store, and small networks."""

    folder: Path
    sdk: Path
    store: Store
    networks: tuple[str, ...]

    @property
    def site_file(self) -> Path:
        """The lab's site.yaml."""
        return self.folder / "site.yaml"

    def spec(self, **changes: object) -> SweepSpec:
        """Return a sweep over every network on two SoCs, unless changed."""
        models = [ModelRef(name=name, dlc=str(self.folder / f"{name}.dlc")) for name in self.networks]
        return SweepSpec.model_validate(
            {"name": "nightly", "models": models, "socs": ["sa8255", "qcs9100"], **changes}
        )

    def run(self, run_id: str) -> tuple[SweepRecord, dict[str, CellRecord]]:
        """Return a stored run, and its finished cells by key."""
        run, cells = load_run(self.store, run_id)
        return run, {cell.cell.key: cell for cell in cells}


@pytest.fixture
def lab(tmp_path: Path) -> FakeLab:
    """A lab on the fake SDK with two networks."""
    return make_lab(tmp_path, ["alpha", "beta"])


def make_lab(folder: Path, networks: list[str]) -> FakeLab:
    """Build a lab on its own fake SDK."""
    sdk = build_fake_sdk(folder / "sdk")
    for name in networks:
        make_dlc(folder / f"{name}.dlc", graph=name)
    lab = FakeLab(folder, sdk, Store(str(folder / "store")), tuple(networks))
    lab.site_file.write_text(json.dumps({"store": str(folder / "store"), "sdk": {"root": str(sdk)}}))
    return lab


async def run(lab: FakeLab, run_id: str = "one", **changes: object) -> State[Any]:
    """Run the lab's sweep; return its final state."""
    from flows.sweep import sweep

    return await sweep(lab.spec(**changes), site=str(lab.site_file), run_id=run_id, return_state=True)


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    """Three sites, each with a fake SDK, and one store; tools that outlived a killed flow are killed at the end."""
    from tests.flows.sites_at_work import SOCS, Sites, tools

    lab = make_lab(tmp_path, ["alpha", "beta"])
    made = Sites(
        lab, {name: build_fake_sdk(tmp_path / f"sdk-{name}") for name in SOCS}, f"run-{uuid.uuid4().hex[:8]}"
    )
    for name, soc in SOCS.items():
        made.equip(name, soc)
    yield made
    for pid in [pid for name in SOCS for pid in tools(made, name)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def lab3(deployed: None) -> None:
    """The deployment of a third site, like the others', on a queue that no worker serves."""
    from tests.flows.sites_at_work import deploy_lab3

    asyncio.run(deploy_lab3())


@pytest.fixture(scope="module")
def workers(lab3: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workers serving lab1 and lab2."""
    from tests.flows.sites_at_work import worker

    logs = tmp_path_factory.mktemp("workers")
    with worker("lab1", logs / "lab1.log"), worker("lab2", logs / "lab2.log"):
        yield
