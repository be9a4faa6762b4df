"""Leases in the test's own directory, and processes that compete for devices."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from qhas.devices.lease import Leases
from tests.qhas.devices.leasing import CHILD, POLL, ROOT, Child, Spawn


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    children: list[Child] = []

    async def start(what: str, *arguments: object) -> Child:
        pipe = asyncio.subprocess.PIPE
        argv = [sys.executable, "-c", CHILD, what, json.dumps(arguments, default=str)]
        children.append(Child(await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdin=pipe, stdout=pipe)))
        return children[-1]

    yield start
    for child in children:
        with suppress(ProcessLookupError):
            child.process.kill()
        async with asyncio.timeout(600):
            await child.process.communicate()


@pytest.fixture
def leases(tmp_path: Path) -> Leases:
    return Leases(tmp_path, POLL)
