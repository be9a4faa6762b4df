"""A nightly's regression is bisected: deployments, worker, events and trigger of a server with its services."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.resilience.server import PrefectServer
from fakes.dlc import SAMPLE_NODES, make_dlc
from qhas.direct import run_direct
from qhas.prefect_settings import CLIENT_LOGIN
from qhas.site import load_site
from tests.documents import write_yaml
from tests.flows.conftest import POOL, ROOT, FakeLab
from tests.stack.api import Api

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.xdist_group("server")]
MORE = [(f"conv{number}", "Conv2d") for number in range(5, 40)]
_SECONDS = 900.0


class Night:
    """A server with its services, the deployments that matter, and a worker for the lab."""

    def __init__(self, server: PrefectServer, lab: FakeLab) -> None:
        self.api = Api(server.environment["PREFECT_API_URL"], server.environment[CLIENT_LOGIN])
        self.lab = lab
        self._environment = server.environment | {"QHAS_SITE": str(lab.site_file), "COLUMNS": "200"}
        self._prefect("work-pool", "create", "--type", "process", POOL)
        self._prefect("--no-prompt", "deploy", "--name", "nightly-sweep", "--name", "bisect")

    def _command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).parent / "prefect"), *arguments]

    def _prefect(self, *arguments: str) -> None:
        done = subprocess.run(
            self._command(*arguments),
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run a worker while the block lasts."""
        command = self._command("worker", "start", "--pool", POOL)
        environment = self._environment | {"PREFECT_WORKER_QUERY_SECONDS": "1"}
        with (self.lab.folder / "worker.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(600)

    def bisections(self) -> list[dict[str, Any]]:
        """Return the runs of the deployment `bisect`."""
        wanted = {"deployments": {"name": {"any_": ["bisect"]}}}
        return list(self.api.every("/flow_runs/filter", wanted))


@pytest.fixture
def night(tmp_path: Path, lab: FakeLab) -> Iterator[Night]:
    with PrefectServer(tmp_path) as server:
        yield Night(server, lab)


def test_a_nightly_with_a_regression_starts_its_bisection_which_names_the_change(night: Night) -> None:
    lab = night.lab
    spec = lab.spec(socs=["sa8255"])
    write_yaml(lab.folder / "nightly.yaml", spec.model_dump(mode="json"))
    run_direct(spec, load_site(lab.site_file), "night-1")
    make_dlc(lab.folder / "alpha.dlc", graph="alpha", nodes=[*SAMPLE_NODES[:-1], *MORE, SAMPLE_NODES[-1]])
    with night.worker():
        file = str(lab.folder / "nightly.yaml")
        begun = night.api.start("nightly-sweep", {"spec_file": file, "run_id": "night-2"})
        ended = night.api.ended(begun, _SECONDS)
        assert "1 new regression, the first: alpha on sa8255: " in ended["state"]["message"]
        night.api.until(night.bisections, _SECONDS, "the bisection to be started")
        (bisection,) = night.bisections()
        asked = {"run_id": "night-2", "cell": "alpha/sa8255/default", "good": "night-1"}
        assert asked.items() <= bisection["parameters"].items()
        state = night.api.ended(bisection["id"], _SECONDS)["state"]
    assert state["name"] == "Slower", state["message"]
    assert "alpha/sa8255" in state["message"]
