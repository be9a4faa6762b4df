"""Clients of devices get the user's ssh agent and none of our credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from qhas.devices.shell import Shell


class LocalShell(Shell):
    """This machine in place of a device."""

    def command(self, line: str) -> list[str]:
        return ["/bin/sh", "-c", line]

    async def _push(self, source: Path, target: str, seconds: float) -> None:
        raise NotImplementedError

    async def _pull(self, source: str, target: Path, seconds: float) -> None:
        raise NotImplementedError


async def test_the_agent_is_there_and_keys_of_the_store_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/user/agent")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    said = await LocalShell("here", tmp_path, 5).output_of("env")
    assert "SSH_AUTH_SOCK=/run/user/agent" in said
    assert "AWS_SECRET_ACCESS_KEY" not in said
