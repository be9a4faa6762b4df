"""The server for a flow run from the command line when no API is named: on loopback, for that process only."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.sweep import _asked
from qhas.failures import InvalidInput

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("server")]

ASK_AS_A_STRANGER_AND_BE_KILLED = """
import json, os, signal, urllib.error, urllib.request
from qhas import prefect_settings
prefect_settings.quieten()
from prefect import flow
from prefect.client.orchestration import get_client
from flows.sweep import run_here
from qhas.own_server import own_server

open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

def status(api, path, headers):
    try:
        return open_url(urllib.request.Request(api + path, headers=headers), timeout=600).status
    except urllib.error.HTTPError as refused:
        return refused.code

@flow
async def look():
    async with get_client() as client:
        api = str(client.api_url).rstrip("/")
    page = {"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "POST"}
    preflight = urllib.request.Request(api + "/flow_runs/", headers=page, method="OPTIONS")
    try:
        allowed = open_url(preflight, timeout=600).headers.get("Access-Control-Allow-Origin")
    except urllib.error.HTTPError as refused:
        allowed = refused.headers.get("Access-Control-Allow-Origin")
    seen = [status(api, "/admin/version", {}), status(api, "/admin/version", {"Authorization": "Basic eDp5"})]
    server = own_server().pid
    print(json.dumps({"api": api, "seen": seen, "allowed": allowed, "server": server}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

run_here(look)
"""


@pytest.fixture(scope="module")
def answer(prefect_database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a stranger sees of the server of a flow, whose process is then killed; its proxies do not exist."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"}
    proxied = {**proxies, "NO_PROXY": "", "no_proxy": ""}
    home = tmp_path_factory.mktemp("own")
    shutil.copy(prefect_database, home)
    killed = subprocess.run(
        [sys.executable, "-c", ASK_AS_A_STRANGER_AND_BE_KILLED],
        env=mine | proxied | {"PREFECT_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    return dict(json.loads(killed.stdout.splitlines()[-1]))


def test_it_listens_on_loopback_and_refuses_who_has_not_its_login(answer: dict[str, Any]) -> None:
    assert answer["api"].startswith("http://127.0.0.1:")
    assert answer["seen"] == [401, 401]
    assert answer["allowed"] is None


def test_it_ends_with_a_process_that_is_killed(answer: dict[str, Any]) -> None:
    server = Path("/proc", str(answer["server"]), "cmdline")
    while server.exists() and b"own_server" in server.read_bytes():
        time.sleep(0.1)


SERVE_WHAT_COMPLAINS_AT_ITS_END = """
import logging, socket, sys
import uvicorn
from qhas import own_server

async def app(scope, receive, send):
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
        print("up", flush=True)
    logging.getLogger("sqlalchemy.pool").error("Exception terminating connection", exc_info=TimeoutError())
    await send({"type": "lifespan.shutdown.complete"})

configured = uvicorn.Config
uvicorn.Config = lambda _, **options: configured(app, **options | {"factory": False})
sys.argv[1:] = [str(socket.create_server(("127.0.0.1", 0)).detach())]
own_server.main()
"""


def test_what_it_cancels_when_it_is_asked_to_end_is_not_printed_as_an_error() -> None:
    argv = [sys.executable, "-c", SERVE_WHAT_COMPLAINS_AT_ITS_END]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdout.readline() == "up\n"
        server.terminate()
        _, errors = server.communicate()
    assert errors == ""


@pytest.mark.parametrize(
    ("named", "step"),
    [(False, "try again when the machine is less busy"), (True, "unset PREFECT_API_URL")],
)
def test_only_who_named_an_api_is_told_to_unset_it(
    named: bool, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_api() -> Any:
        raise RuntimeError("Timed out")

    monkeypatch.setattr("flows.sweep.get_client", no_api)
    with pytest.raises(InvalidInput, match=step):
        asyncio.run(_asked(lambda: asyncio.sleep(0), named=named))
