"""Each check answers with one sentence, good or bad."""

from __future__ import annotations

import asyncio
import platform
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fakes.sdk import build_fake_sdk
from qhas.devices.lease import Holder, Leases
from qhas.devices.quarantine import QuarantineLog
from qhas.failures import FACTS, FailureKind
from qhas.site import SdkRef, Site
from qhas.site.sdk import HOST_TOOLS, READER, Tool
from qhas.upkeep.doctor import Finding, examine, host

PHONE = {"name": "oneplus13", "soc": "sm8750", "transport": "adb", "serial": "3b15aq0"}
BOARD = {"name": "board-7", "soc": "qcs9100", "transport": "ssh", "host": "root@10.0.0.7"}
LISTED = r"printf 'List of devices attached\n3b15aq0\tdevice\n'"
ADB_VERSION = "Android Debug Bridge version 1.0.41\nVersion 35.0.2-12147458"


def findings(folder: Path, *, version: str = "2.48.0.260101", **site: Any) -> dict[str, Finding]:
    """Findings by check, for a site with a fake SDK."""
    root = folder / "sdk"
    if not root.exists():
        build_fake_sdk(root, version=version)
    asked = {"store": str(folder / "store"), "sdk": SdkRef(root=root)} | site
    return {finding.what: finding for finding in examine(Site.model_validate(asked))}


def test_a_good_site_is_good_in_everything(tmp_path: Path) -> None:
    answers = findings(tmp_path)
    bad = [finding for finding in answers.values() if not finding.good and finding.what != "scratch"]
    assert not bad
    always = {
        "host",
        "Prefect",
        "SDK",
        "libc",
        "store",
        "history",
        "scratch",
        "leases",
        "devices",
        *HOST_TOOLS,
    }
    assert always == answers.keys()


@pytest.mark.parametrize("tool", [Tool.GRAPH_PREPARE, Tool.NET_RUN])
def test_a_tool_from_before_qhas_is_told_by_its_help(tmp_path: Path, tool: Tool) -> None:
    finding = findings(tmp_path, version="2.39.0.250926")[tool]
    assert not finding.good
    assert "does not know --profiling_level qhas" in finding.answer


def test_an_sdk_that_is_not_there_is_bad_and_the_rest_is_still_examined(tmp_path: Path) -> None:
    answers = findings(tmp_path, sdk=SdkRef(root=tmp_path / "gone"))
    assert not answers["SDK"].good
    assert answers["store"].good


def test_a_store_that_refuses_is_bad(tmp_path: Path, failing: set[str]) -> None:
    failing.add("pipe_file")
    finding = findings(tmp_path, store="failing://doctor")["store"]
    assert not finding.good
    assert "slow down" in finding.answer


def test_a_damaged_file_of_the_history_is_named(tmp_path: Path) -> None:
    assert findings(tmp_path)["history"].answer == "no night yet"
    broken = tmp_path / "store" / "history" / "date=2026-03-01" / "night.parquet"
    broken.parent.mkdir(parents=True)
    broken.touch()
    finding = findings(tmp_path)["history"]
    assert not finding.good
    assert "1 of 1 files are left out: history/date=2026-03-01/night.parquet" in finding.answer


def test_a_store_is_left_as_it_was(tmp_path: Path) -> None:
    findings(tmp_path)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_before_loopback_is_told_with_the_variable_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    finding = findings(tmp_path)["proxy"]
    assert f"{variable} is set" in finding.answer
    assert "NO_PROXY=localhost,127.0.0.1,::1" in finding.answer
    monkeypatch.setenv(variable, "no:proxy")
    assert "it is not a valid proxy address" in findings(tmp_path)["proxy"].answer


def test_an_api_on_loopback_is_asked_past_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{server.server_port}/api")
        answer = findings(tmp_path)["Prefect"].answer
        server.shutdown()
    assert "HTTP 501" in answer  # from the server, which supports no method


def test_a_store_that_is_down_is_asked_for_ten_seconds_at_most() -> None:
    assert host._BRIEF.total + host._BRIEF.answer < 10


def test_devices_are_listed_with_their_socs(tmp_path: Path) -> None:
    devices = [{"name": "a", "soc": "sm8750"}, {"name": "b", "soc": "sa8255"}]
    assert findings(tmp_path, devices=devices)["devices"].answer == "a (sm8750), b (sa8255)"


class Clients:
    """A folder on PATH with scripted clients, which log the arguments they are given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def script(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "$*" >>{self.folder}/{name}.asked\n{body}\n', encoding="utf-8")
        path.chmod(0o755)

    def adb(self, state: str = "device", *, exit_code: int = 0, devices: str = LISTED) -> None:
        """An adb client; `state` is what it says of every device."""
        self.script(
            "adb",
            f"""case "$*" in
version) echo '{ADB_VERSION}';;
*devices) {devices};;
*get-state) echo "{state}" >&{1 if exit_code == 0 else 2}; exit {exit_code};;
esac""",
        )

    def ssh(self, body: str) -> None:
        """An ssh client that states its version and otherwise runs `body`."""
        self.script("ssh", f'[ "$1" = -V ] && {{ echo OpenSSH_9.2p1 >&2; exit; }}\n{body}')

    def asked(self, name: str) -> str:
        file = self.folder / f"{name}.asked"
        return file.read_text(encoding="utf-8") if file.exists() else ""


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """Good clients, and leases of this test's own."""
    monkeypatch.setenv("QHAS_LEASES", str(tmp_path / "leases"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'clients'}:/usr/bin:/bin")
    made = Clients(tmp_path / "clients")
    made.adb()
    made.ssh('for line; do :; done; exec sh -c "$line"')
    return made


def test_a_site_with_phone_and_board_is_good_in_everything(tmp_path: Path, clients: Clients) -> None:
    answers = findings(tmp_path, devices=[PHONE, BOARD])
    assert not [finding for finding in answers.values() if not finding.good and finding.what != "scratch"]
    assert answers["adb"].answer == "Android Debug Bridge version 1.0.41, 35.0.2-12147458"
    assert answers["adb server"].answer == "the server of this host answers and lists 1 devices"
    assert answers["ssh"].answer == "OpenSSH_9.2p1"
    assert answers["board-7 (qcs9100)"].answer == "answers at root@10.0.0.7"


@pytest.mark.parametrize(
    ("devices", "asked"), [([PHONE], ("adb",)), ([BOARD], ("ssh",)), ([{"name": "a", "soc": "sm8750"}], ())]
)
def test_only_the_clients_that_the_site_needs_are_looked_at(
    tmp_path: Path, clients: Clients, devices: list[dict[str, str]], asked: tuple[str, ...]
) -> None:
    findings(tmp_path, devices=devices)
    assert tuple(name for name in ("adb", "ssh") if clients.asked(name)) == asked


def test_a_phone_is_not_asked_itself_but_its_server_is(tmp_path: Path, clients: Clients) -> None:
    findings(tmp_path, devices=[PHONE | {"adb_server": "lab2:5037"}])
    assert clients.asked("adb").splitlines() == [
        "version",
        "-H lab2 -P 5037 devices",
        "-H lab2 -P 5037 -s 3b15aq0 get-state",
    ]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error: device unauthorized.", FailureKind.DEVICE_UNAUTHORIZED),
        ("error: device offline", FailureKind.DEVICE_OFFLINE),
        ("error: device '3b15aq0' not found", FailureKind.DEVICE_OFFLINE),
        ("error: insufficient permissions for device: udev", FailureKind.DEVICE_UNAUTHORIZED),
    ],
)
def test_a_phone_that_cannot_be_used_says_why_and_what_to_do(
    tmp_path: Path, clients: Clients, said: str, kind: FailureKind
) -> None:
    clients.adb(said, exit_code=1)
    finding = findings(tmp_path, devices=[PHONE])["oneplus13 (sm8750)"]
    assert not finding.good
    assert finding.answer == f"{kind}: {said.removeprefix('error: ').rstrip('.')}. {FACTS[kind].hint}"


def test_a_board_that_refuses_the_key_says_so(tmp_path: Path, clients: Clients) -> None:
    clients.ssh("echo 'root@10.0.0.7: Permission denied (publickey).' >&2; exit 255")
    finding = findings(tmp_path, devices=[BOARD])["board-7 (qcs9100)"]
    assert finding.answer.startswith(f"{FailureKind.DEVICE_UNAUTHORIZED}: ")
    assert FACTS[FailureKind.DEVICE_UNAUTHORIZED].hint in finding.answer


def test_a_device_at_work_is_not_asked(tmp_path: Path, clients: Clients) -> None:
    holder = Holder(run_id="nightly-1", cell="net", pid=1, host_user="lab", since=datetime.now(UTC))

    async def while_held() -> dict[str, Finding]:
        async with Leases(tmp_path / "leases").take(["ssh:root@10.0.0.7"], holder):
            return await asyncio.to_thread(findings, tmp_path, devices=[BOARD])

    assert "is in use by run nightly-1" in asyncio.run(while_held())["board-7 (qcs9100)"].answer
    assert clients.asked("ssh").splitlines() == ["-V"]


def test_a_device_set_aside_is_bad_and_names_the_way_back(tmp_path: Path, clients: Clients) -> None:
    for _ in range(3):
        QuarantineLog(tmp_path / "leases").note_failure("adb:3b15aq0", "it hangs")
    finding = findings(tmp_path, devices=[PHONE])["oneplus13 (sm8750)"]
    assert not finding.good
    assert finding.answer == (
        "answers, but is quarantined (it hangs); `qhas devices --check` brings it back."
    )


def test_a_missing_adb_client_is_told_with_its_package_and_devices_are_not_asked(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clients.folder / "adb").unlink()
    monkeypatch.setenv("PATH", str(clients.folder))
    answers = findings(tmp_path, devices=[PHONE])
    assert "apt install adb" in answers["adb"].answer
    assert "oneplus13 (sm8750)" not in answers


def test_two_versions_of_adb_on_one_host_are_bad(tmp_path: Path, clients: Clients) -> None:
    clients.adb(devices='echo "adb server version (32) doesn\'t match this client (41); killing..."')
    finding = findings(tmp_path, devices=[PHONE])["adb server"]
    assert not finding.good
    assert "use one adb version" in finding.answer


def test_an_adb_server_that_does_not_answer_is_bad(tmp_path: Path, clients: Clients) -> None:
    clients.adb(devices="echo 'error: cannot connect to daemon' >&2; exit 1")
    finding = findings(tmp_path, devices=[PHONE | {"adb_server": "lab2:5037"}])["adb server"]
    assert finding.answer.startswith("The adb server lab2:5037 does not answer (error: cannot connect to dae")


LACKING = {
    "tool": ("bin/aarch64-android/snpe-net-run", "target aarch64-android", "(aarch64-oe-linux-gcc11.2)"),
    "libraries": ("lib/aarch64-android", "target aarch64-android", "install the whole SDK"),
    "skels": ("lib/hexagon-v79", "hexagon", "oneplus13 needs v79, which sm8750 has according to our table"),
    "diagview": ("bin/x86_64-linux-clang/snpe-diagview", Tool.DIAGVIEW, "set run.repetitions to 0"),
}


@pytest.mark.parametrize("case", LACKING)
def test_what_the_sdk_lacks_for_a_device_is_named_with_a_next_step(
    tmp_path: Path, clients: Clients, case: str
) -> None:
    path, what, told = LACKING[case]
    root = build_fake_sdk(tmp_path / "sdk")
    shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()
    finding = findings(tmp_path, devices=[PHONE])[what]
    assert not finding.good
    assert told in finding.answer


def test_a_hexagon_that_site_yaml_names_must_be_in_the_sdk(tmp_path: Path, clients: Clients) -> None:
    finding = findings(tmp_path, devices=[PHONE | {"hexagon": "v89"}])["hexagon"]
    assert "oneplus13 needs v89: use an SDK that supports it" in finding.answer


def test_a_viewer_on_devices_needs_its_reader_there(tmp_path: Path, clients: Clients) -> None:
    root = build_fake_sdk(tmp_path / "sdk")
    (root / "lib/aarch64-android" / READER).unlink()
    assert findings(tmp_path, devices=[PHONE])["target aarch64-android"].good
    assert not findings(tmp_path, devices=[PHONE], viewer="device")["target aarch64-android"].good


def test_a_host_older_than_the_sdks_tools_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.31"))
    assert "the SDK's tools need 2.35" in findings(tmp_path)["libc"].answer
    assert not findings(tmp_path)["libc"].good


def test_a_lease_directory_that_cannot_be_used_is_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("QHAS_LEASES", str(tmp_path / "file"))
    assert "is not a directory" in findings(tmp_path)["leases"].answer


@pytest.fixture
def api() -> Iterator[str]:
    """A web server whose `/api/health` is good."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("path", "good"), [("/api", True), ("/other", False)])
def test_a_prefect_api_that_the_environment_names_must_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str, path: str, good: bool
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{api}{path}")
    finding = findings(tmp_path)["Prefect"]
    assert finding.good is good
    assert good or "or unset PREFECT_API_URL" in finding.answer


def test_the_proxy_of_an_earlier_question_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{api}/api")
    with monkeypatch.context() as proxied:
        proxied.setenv("NO_PROXY", "")
        proxied.setenv("no_proxy", "")
        proxied.setenv("http_proxy", "http://127.0.0.1:9")
        findings(tmp_path)
    assert findings(tmp_path)["Prefect"].good


def test_a_password_in_an_address_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://lab:hunter2@127.0.0.1:1/api")
    assert "hunter2" not in findings(tmp_path)["Prefect"].answer
