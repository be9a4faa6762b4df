"""Redis as compose.yaml and the manifests start it, on the real server, with a password that no argument shows."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from qhas.machine.free_ports import free_port
from tests.infra.files import compose, manifests

[WORKLOAD] = [each for each in manifests() if each["kind"] == "StatefulSet"]
[CONTAINER] = WORKLOAD["spec"]["template"]["spec"]["containers"]
COMMANDS = {
    "compose": [word.replace("$$", "$") for word in compose()["services"]["redis"]["command"]],
    "kubernetes": [*CONTAINER["command"], *CONTAINER["args"]],
}
PASSWORD = "a-password-of-the-test"

needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


@needs_redis
@pytest.mark.parametrize("where", COMMANDS)
def test_it_answers_who_has_the_password(where: str, tmp_path: Path) -> None:
    port = str(free_port())
    conf = str(tmp_path / "redis.conf")
    *shell, script = COMMANDS[where]
    script = script.replace("/tmp/redis.conf", conf).rstrip() + f" --port {port} --bind 127.0.0.1\n"
    process = subprocess.Popen(
        [*shell, script], cwd=tmp_path, env={"REDISCLI_AUTH": PASSWORD, "PATH": "/usr/bin:/bin"}, stdout=-3
    )
    try:
        until_it_answers(port)
        assert "NOAUTH" in ping(port)
        assert "WRONGPASS" in ping(port, "guessed")
        assert ping(port, PASSWORD).strip() == "PONG"
        assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert Path(conf).stat().st_mode & 0o077 == 0
    finally:
        process.terminate()
        process.wait(600)


def ping(port: str, password: str | None = None) -> str:
    variables = {"REDISCLI_AUTH": password} if password else {}
    argv = ["redis-cli", "-p", port, "ping"]
    done = subprocess.run(argv, env={"PATH": "/usr/bin:/bin", **variables}, capture_output=True, text=True)
    return done.stdout + done.stderr


def until_it_answers(port: str) -> None:
    deadline = time.monotonic() + 600
    while "refused" in ping(port):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_no_address_of_redis_is_without_the_password() -> None:
    for document in (str(compose()), str(manifests())):
        assert "redis://redis" not in document
        assert "redis://:$" in document
