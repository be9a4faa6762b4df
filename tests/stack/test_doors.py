"""Callers on the machine without permission: another user, a page of another origin, a flow run with wishes."""

from __future__ import annotations

import http.server
import json
import os
import pwd
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from infra.stack.parts import POOL
from tests.stack.conftest import Running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.xdist_group("stack"),
]
DEPLOYMENT = "flight-check"
LEAVE_A_MARK = {"command": "touch /tmp/mark"}


def as_nobody(running: Running, script: str) -> str:
    """Run a Python script as another user of the machine, with the stack's addresses; return what it prints."""
    if os.geteuid():
        pytest.skip("only root can become another user")
    nobody = pwd.getpwnam("nobody")
    variables = {
        "API": running.settings.api,
        "S3": running.settings.endpoint,
        "FOLDER": str(running.stack.folder),
    }
    done = subprocess.run(
        [shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable, "-I", "-c", script],
        env=variables,
        cwd="/",
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ASK = """
import json, os, urllib.error, urllib.request
def status(method, url, headers={}, body=None):
    try:
        asked = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers}, method=method)
        return urllib.request.urlopen(asked, timeout=600).status
    except urllib.error.HTTPError as refused:
        return refused.code
"""


@pytest.mark.parametrize(
    "shown", [{}, {"Authorization": "Basic cWhhczpndWVzcw=="}, {"Authorization": "Bearer x"}]
)
def test_another_user_reads_and_starts_nothing(running: Running, shown: dict[str, str]) -> None:
    script = f"""{ASK}
api, shown = os.environ["API"], {shown!r}
print(json.dumps([
    status("GET", api + "/admin/settings", shown),
    status("GET", api + "/csrf-token?client=a", shown),
    status("POST", api + "/deployments/filter", shown, b"{{}}"),
    status("POST", api + "/work_pools/filter", shown, b"{{}}"),
]))"""
    said = json.loads(as_nobody(running, script))
    assert said[:2] == [401, 401]
    assert set(said[2:]) <= {401, 403}


def test_another_user_may_see_that_the_server_is_well(running: Running) -> None:
    script = f'{ASK}\nprint(status("GET", os.environ["API"] + "/health"))'
    assert as_nobody(running, script) == "200"


@pytest.mark.parametrize("token", ["", "qhas:guess"])
@pytest.mark.parametrize(
    "socket",
    [
        "/events/out",
        "/events/in",
        "/logs/out",
        "/task_runs/subscriptions/scheduled",
        f"/work_pools/{POOL}/workers/connect",
    ],
)
def test_another_user_hears_and_sends_no_events(running: Running, socket: str, token: str) -> None:
    address = running.settings.api.replace("http", "ws", 1) + socket
    with connect(address, subprotocols=[Subprotocol("prefect")]) as client:
        client.send(json.dumps({"type": "auth", "token": token}))
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=600)


@pytest.mark.parametrize("socket", ["/events/out", "/events/in", "/logs/out"])
def test_who_does_not_speak_as_prefect_is_not_let_in(running: Running, socket: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        connect(running.settings.api.replace("http", "ws", 1) + socket)


def test_another_user_reads_no_file_of_the_stack_and_no_process(running: Running) -> None:
    pids = [pid for name, pid in running.stack.status().items() if pid and name != "postgresql"]
    script = f"""
import os
def opens(path):
    try:
        open(path, "rb").read(1)
        return True
    except OSError:
        return False
folder = os.environ["FOLDER"]
paths = [folder + "/" + name for name in ("login", "env", "stack.json", "redis.conf")]
print([path for path in [*paths, *(f"/proc/{{pid}}/environ" for pid in {pids})] if opens(path)])"""
    assert as_nobody(running, script) == "[]"


def test_the_login_is_in_no_argument_list(running: Running) -> None:
    for name, pid in running.stack.status().items():
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert running.settings.login.partition(":")[2].encode() not in line, name


@pytest.mark.parametrize(
    "wish",
    [
        LEAVE_A_MARK,
        {"env": {"LD_PRELOAD": "/tmp/own.so"}},
        {"env.LD_PRELOAD": "/tmp/own.so"},
        {"working_dir": "/tmp"},
        {"labels.command": "touch /tmp/mark", "command": None},
    ],
    ids=str,
)
def test_a_flow_run_cannot_choose_its_command_variables_or_folder(
    running: Running, wish: dict[str, Any]
) -> None:
    found = running.api.deployments()[DEPLOYMENT]
    body = {"state": {"type": "SCHEDULED"}, "job_variables": wish}
    with pytest.raises(httpx.HTTPStatusError, match="not allowed"):
        running.api.post(f"/deployments/{found['id']}/create_flow_run", body)


def test_who_has_the_login_but_no_token_changes_nothing(running: Running) -> None:
    login = running.settings.login.split(":", 1)
    answer = httpx.post(f"{running.settings.api}/deployments/filter", json={}, auth=(login[0], login[1]))
    assert answer.status_code == 403


@pytest.fixture(scope="module")
def foreign_page() -> Iterator[str]:
    """The address of a page of another origin, also on loopback."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>a page</title>")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


FETCH = """async ([url, how]) => {
    try { const answer = await fetch(url, how); return `${answer.type} ${answer.status}` }
    catch (error) { return 'refused' }
}"""


@pytest.mark.parametrize("knows_the_login", [False, True])
def test_a_page_of_another_origin_reads_and_sends_nothing(
    running: Running, chromium: Browser, foreign_page: str, knows_the_login: bool
) -> None:
    page = chromium.new_page()
    page.goto(foreign_page)
    api = running.settings.api
    headers = {"Authorization": httpx.BasicAuth(*running.settings.login.split(":"))._auth_header}
    plain = headers if knows_the_login else {}
    change = {"method": "POST", "headers": {**plain, "Content-Type": "application/json"}, "body": "{}"}
    for path, how in (
        ("/health", {"headers": plain}),
        ("/csrf-token?client=page", {"headers": plain}),
        ("/deployments/filter", change),
    ):
        assert page.evaluate(FETCH, [api + path, how]) == "refused", path
    page.close()


def test_a_form_post_of_another_origin_is_refused_by_the_server(
    running: Running, chromium: Browser, foreign_page: str
) -> None:
    page = chromium.new_page()
    page.goto(foreign_page)
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "/filter" in answer.url else None)
    blind = {"method": "POST", "mode": "no-cors", "body": "{}"}
    assert page.evaluate(FETCH, [f"{running.settings.api}/deployments/filter", blind]) == "opaque 0"
    assert answers in ([401], [403])
    page.close()


def test_the_ui_opens_with_the_login_and_shows_the_deployments(running: Running, chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{running.settings.ui}/deployments")
    field = page.locator("input[type=password]")
    field.wait_for()
    assert not page.get_by_text("nightly-sweep").count()
    field.fill((running.stack.folder / "login").read_text().strip())
    field.press("Enter")
    page.get_by_text("nightly-sweep").first.wait_for()
    page.close()
