"""One stack for all tests of this folder, on the fake SDK, with networks in its store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from bench.resilience.reader import Bucket
from fakes.dlc import make_dlc
from fakes.sdk import build_fake_sdk
from infra.stack import parts
from infra.stack.bucket import client_of
from infra.stack.parts import Part
from infra.stack.postgresql import Postgresql, PostgresqlMissing
from infra.stack.processes import Processes
from infra.stack.settings import BUCKET, Settings
from infra.stack.stack import ROOT, Stack
from infra.stack.start import start_parts
from tests.stack.api import Api

NETWORKS = ("alpha", "beta")
SOCS = ("sa8255", "qcs9100")


def why_no_stack() -> str:
    """Return why no stack can be started here; empty if one can."""
    try:
        Postgresql.find()
    except PostgresqlMissing as missing:
        return str(missing)
    return ""


@dataclass(frozen=True)
class Running:
    """A stack that is up, and what tests do with it."""

    stack: Stack
    settings: Settings
    api: Api
    sdk: Path

    @property
    def processes(self) -> Processes:
        """The processes of its parts."""
        return self.stack.processes

    @property
    def store(self) -> Bucket:
        """Its store, read without the code that writes it."""
        return Bucket(client_of(self.settings), BUCKET)

    def spec(self, **changes: Any) -> dict[str, Any]:
        """Return a sweep over every network on two SoCs, unless changed."""
        models = [{"name": name, "dlc": self.network(name)} for name in NETWORKS]
        return {"name": "nightly", "models": models, "socs": list(SOCS), **changes}

    def network(self, name: str) -> str:
        """Return the address of a network's DLC."""
        return f"s3://{BUCKET}/networks/{name}.dlc"

    def roomy_site(self) -> Path:
        """Write a site file like the stack's, which allows more tools at once than this machine has cores."""
        (file := self.stack.folder / "roomy.yaml").write_text(
            f"store: s3://{BUCKET}\nhost: {{cores: 8, free_scratch_mb: 0}}\n", encoding="utf-8"
        )
        return file

    def part(self, name: str) -> Part:
        """Return how to start one of its parts: the database, the server, its services, or a worker."""
        folder = self.stack.folder
        if name == "postgresql":
            return parts.database(self.settings, Postgresql.find())
        if name == "server":
            return parts.server(self.settings, folder)
        if name == "services":
            return parts.services(self.settings, folder)
        assert name.startswith(parts.WORKER), name
        return parts.worker(self.settings, folder, self.stack.root, name.removeprefix(parts.WORKER))

    def revive(self) -> None:
        """Start the parts that an earlier test left dead."""
        dead = [name for name, pid in self.stack.status().items() if pid is None]
        start_parts(self.processes, [self.part(name) for name in dead])


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The stack, up. Tests must leave it up."""
    if why := why_no_stack():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("stack")
    sdk = build_fake_sdk(folder / "sdk")
    stack = Stack(folder / "stack", ROOT)
    try:
        with mock.patch.dict(os.environ, QAIRT_SDK_ROOT=str(sdk)):
            settings = stack.up(Console(quiet=True))
        running = Running(stack, settings, Api(settings.api, settings.login), sdk)
        for name in NETWORKS:
            dlc = make_dlc(folder / f"{name}.dlc", graph=name)
            client_of(settings).put_object(Bucket=BUCKET, Key=f"networks/{name}.dlc", Body=dlc.read_bytes())
        let_nothing_come_due(running.api)
        yield running
    finally:
        stack.down()


def let_nothing_come_due(api: Api) -> None:
    """Switch off the deployments' schedules: of a deployment with a limit, a run at a full hour would end the tests' own."""
    for deployment in api.deployments().values():
        for schedule in deployment["schedules"]:
            api.patch(f"/deployments/{deployment['id']}/schedules/{schedule['id']}", {"active": False})


@pytest.fixture(autouse=True)
def _with_the_sdk_of_the_stack(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the stack's SDK for what these tests start, and for them only: other tests of the session use another."""
    if "running" in request.fixturenames:
        monkeypatch.setenv("QAIRT_SDK_ROOT", str(request.getfixturevalue("running").sdk))
