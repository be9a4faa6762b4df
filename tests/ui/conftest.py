"""The Prefect UI in a headless Chromium, on a server of its own with a worker and the fake SDK."""

from __future__ import annotations

import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.resilience.server import PrefectServer
from qhas.prefect_settings import CLIENT_LOGIN
from tests.browser import in_browser_thread
from tests.flows.conftest import POOL, ROOT, FakeLab, make_lab, prefect_command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Desk:
    """A server with the deployments of prefect.yaml and a worker, and the lab that the worker works for."""

    server: PrefectServer
    lab: FakeLab

    @property
    def address(self) -> str:
        """The address of the UI."""
        return self.server.environment["PREFECT_API_URL"].removesuffix("/api")

    def deployment(self, name: str) -> str:
        """Return a deployment's id."""
        return str(self.server.ask(f"/deployments/name/{name}")["id"])


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One desk for all tests, since a server takes long to start."""
    folder = tmp_path_factory.mktemp("ui")
    lab, server = make_lab(folder, ["alpha", "beta"]), PrefectServer(folder)
    server.environment["PREFECT_UI_API_URL"] = server.environment["PREFECT_API_URL"]
    environment = server.environment | {
        "QHAS_SITE": str(lab.site_file),
        "QHAS_LEASES": str(folder / "leases"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
    }
    with server:
        for arguments in (
            ("work-pool", "create", "--type", "process", POOL),
            ("--no-prompt", "deploy", "--all"),
        ):
            command, _ = prefect_command(*arguments)
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=900)
        command, _ = prefect_command("worker", "start", "--pool", POOL, "--work-queue", "default")
        with (folder / "worker.log").open("wb") as log:
            worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield Desk(server, lab)
        finally:
            worker.terminate()
            try:
                worker.wait(40)
            except subprocess.TimeoutExpired:
                worker.kill()


@pytest.fixture
def page(chromium: Browser, desk: Desk) -> Iterator[Page]:
    """A page that can reach only this machine's servers."""
    login = b64encode(desk.server.environment[CLIENT_LOGIN].encode()).decode()
    page = in_browser_thread(_page_of, chromium, login)
    yield page
    in_browser_thread(page.context.close)


def _page_of(chromium: Browser, login: str) -> Page:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_PATIENCE_MS)
    context.route(re.compile(r"https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    context.add_init_script(f"localStorage.setItem('prefect-password', '{login}')")  # as its login page does
    return context.new_page()


@pytest.fixture
def keep(page: Page, tmp_path: Path) -> Pictures:
    """Take pictures into the folder that UI_PICTURES names, or else the test's own."""
    return Pictures(page, Path(os.environ.get("UI_PICTURES", tmp_path)))


@dataclass(frozen=True)
class Pictures:
    """Pictures of a page, for docs/."""

    page: Page
    folder: Path

    def __call__(self, name: str) -> None:
        """Take a picture."""
        self.page.screenshot(path=self.folder / f"prefect-{name}.png")
