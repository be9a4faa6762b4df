"""The ports and secrets of a stack."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from infra.stack.failure import StackFailed
from infra.stack.settings import Settings, as_shell, plain_environment, write_private


def test_ports_differ_and_secrets_are_new_each_time(tmp_path: Path) -> None:
    one, two = (Settings.choose(tmp_path, None, with_redis=True) for _ in range(2))
    assert len({one.server, one.database, one.storage, one.reports, one.redis}) == 5
    secrets = {each.secret_key for each in (one, two)} | {each.database_password for each in (one, two)}
    assert len(secrets) == 4


def test_a_port_that_is_taken_is_refused_by_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StackFailed, match=f"Port {port} is taken; name another with --port"):
            Settings.choose(tmp_path, port, with_redis=False)


def test_they_are_kept_for_their_owner_only_and_read_again(tmp_path: Path) -> None:
    settings = Settings.choose(tmp_path, None, with_redis=False)
    settings.write(file := tmp_path / "stack.json")
    assert Settings.read(file) == settings
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"server": 1}'])
def test_a_file_that_holds_none_is_no_stack(tmp_path: Path, content: str) -> None:
    (file := tmp_path / "stack.json").write_text(content)
    assert Settings.read(file) is None


def test_a_private_file_is_private_also_where_an_open_one_was(tmp_path: Path) -> None:
    (file := tmp_path / "env").touch(mode=0o644)
    write_private(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)


def test_no_secret_is_shown_in_messages(tmp_path: Path) -> None:
    settings = Settings.choose(tmp_path, None, with_redis=True)
    for secret in (settings.secret_key, settings.database_password, settings.reports_token):
        assert secret not in repr(settings)


def test_a_shell_reads_values_as_they_are(tmp_path: Path) -> None:
    (file := tmp_path / "env").write_text(as_shell({"QHAS_SITE": "/a b/it's $HOME.yaml"}))
    said = subprocess.run(["sh", "-c", f'. "{file}"; printf %s "$QHAS_SITE"'], capture_output=True, text=True)
    assert said.stdout == "/a b/it's $HOME.yaml"


def test_nothing_of_the_users_own_lab_reaches_a_part() -> None:
    mine = {"PREFECT_API_URL": "x", "QHAS_SITE": "x", "AWS_PROFILE": "x", "HOSTSDK_ROOT": "x"}
    kept = {"PATH": "/bin", "QAIRT_SDK_ROOT": "/opt/sdk"}
    assert plain_environment(mine | kept) == kept
