"""A server that does not come up is reported at once, in one sentence."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from qhas import own_server
from qhas.failures import InvalidInput
from qhas.own_server import OwnServer


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of a program that takes the interpreter's place."""
    program = tmp_path / "python"
    monkeypatch.setattr(own_server, "sys", SimpleNamespace(executable=str(program)))
    return program


def write(program: Path, text: str) -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o700)


def test_one_that_ends_before_it_answers_is_told(stand_in: Path) -> None:
    write(stand_in, "exit 4")
    with pytest.raises(InvalidInput, match="ended with exit code 4; its output above says why"):
        OwnServer().ready()


def test_it_gets_a_login_and_lets_no_page_in(stand_in: Path, tmp_path: Path) -> None:
    write(stand_in, f'env > {tmp_path}/given; echo "$@" > {tmp_path}/asked; exit 1')
    server = OwnServer()
    with pytest.raises(InvalidInput):
        server.ready()
    given = (tmp_path / "given").read_text().splitlines()
    assert f"PREFECT_SERVER_API_AUTH_STRING={server.login}" in given
    assert "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS=https://nobody.invalid" in given
    assert server.login not in (tmp_path / "asked").read_text()
    assert server.login not in os.environ.values()


def test_nobody_else_can_answer_in_its_place(stand_in: Path) -> None:
    write(stand_in, "sleep 30")
    server = OwnServer()
    port = int(server.api.split(":")[2].partition("/")[0])
    with pytest.raises(OSError, match="in use"):
        own_server.socket.create_server(("127.0.0.1", port), reuse_port=False)
