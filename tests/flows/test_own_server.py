"""The server that Prefect starts for a flow run from the command: on loopback, for that process only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server"), pytest.mark.timeout(180)]

ASK_AS_A_STRANGER = """
import json, urllib.error, urllib.request
from qhas import prefect_settings
prefect_settings.quieten()
from prefect import flow
from prefect.client.orchestration import get_client
from flows.sweep import run_here

def status(api, path, headers):
    try:
        return urllib.request.urlopen(urllib.request.Request(api + path, headers=headers), timeout=20).status
    except urllib.error.HTTPError as refused:
        return refused.code

@flow
async def look():
    async with get_client() as client:
        api = str(client.api_url).rstrip("/")
    page = {"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "POST"}
    preflight = urllib.request.Request(api + "/flow_runs/", headers=page, method="OPTIONS")
    try:
        allowed = urllib.request.urlopen(preflight, timeout=20).headers.get("Access-Control-Allow-Origin")
    except urllib.error.HTTPError as refused:
        allowed = refused.headers.get("Access-Control-Allow-Origin")
    seen = [status(api, "/admin/version", {}), status(api, "/admin/version", {"Authorization": "Basic eDp5"})]
    print(json.dumps({"api": api, "seen": seen, "allowed": allowed}))

run_here(look)
"""


@pytest.fixture
def answer(tmp_path: Path) -> dict[str, object]:
    """What a stranger sees of the server of a flow that runs in a process of its own."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    done = subprocess.run(
        [sys.executable, "-c", ASK_AS_A_STRANGER],
        env=mine | {"PREFECT_HOME": str(tmp_path / "prefect")},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_it_listens_on_loopback_and_refuses_who_has_not_its_login(answer: dict[str, object]) -> None:
    assert str(answer["api"]).startswith("http://127.0.0.1:")
    assert answer["seen"] == [401, 401]
    assert answer["allowed"] is None


BE_KILLED = """
import os, signal
from qhas import prefect_settings
prefect_settings.quieten()
from prefect import flow
from prefect.server.api.server import SubprocessASGIServer
from flows.sweep import run_here

@flow
async def be_killed():
    print(SubprocessASGIServer().server_process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

run_here(be_killed)
"""


def test_it_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    proxied = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""}
    killed = subprocess.run(
        [sys.executable, "-c", BE_KILLED],
        env=mine | proxied | {"PREFECT_HOME": str(tmp_path / "prefect")},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    server = Path("/proc", killed.stdout.split()[-1], "cmdline")
    while server.exists() and b"uvicorn" in server.read_bytes():
        time.sleep(0.1)
