"""Holders of leases, in this process and in others."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from qhas.devices.lease import Holder, Leases

ROOT = Path(__file__).parents[3]
A, B, C = "adb:a", "adb:b", "ssh:root@10.0.0.7"
POLL = 0.02

CHILD = """
import asyncio, json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from qhas.devices.lease import Holder, Leases

def say(line):
    print(line, flush=True)

def heard():
    return asyncio.to_thread(sys.stdin.readline)

async def use(directory, name, addresses):
    holder = Holder(run_id=name, cell="net on sm8750", pid=os.getpid(), host_user="eve", since=datetime.now(UTC))
    told = []
    def waiting(states):
        if not told:
            say("waits")
        told.append(states)
    leases = Leases(Path(directory), poll_seconds=0.02)
    say("ready")
    await heard()
    async with leases.take(addresses, holder, waiting=waiting) as address:
        say(f"has {address}")
        await heard()
    say("gave back")

async def hammer(directory, name, addresses, log, turns):
    leases = Leases(Path(directory), poll_seconds=0.005)
    holder = Holder(run_id=name, cell="net on sm8750", pid=os.getpid(), host_user="eve", since=datetime.now(UTC))
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    async def turn():
        async with leases.take(addresses, holder) as address:
            os.write(file, f"{address} enter {name}\\n".encode())
            await asyncio.sleep(0.001)
            os.write(file, f"{address} exit {name}\\n".encode())
    await asyncio.gather(*(turn() for _ in range(turns)))

async def beget(directory, name, addresses):
    leases = Leases(Path(directory))
    holder = Holder(run_id=name, cell="net on sm8750", pid=os.getpid(), host_user="eve", since=datetime.now(UTC))
    async with leases.take(addresses, holder):
        executed = await asyncio.create_subprocess_exec("sleep", "60", close_fds=False)
        forked = os.fork()
        if not forked:
            import signal
            signal.pause()
        say(f"{executed.pid} {forked}")
        await heard()

asyncio.run(globals()[sys.argv[1]](*json.loads(sys.argv[2])))
"""


class Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout

    async def says(self) -> str:
        async with asyncio.timeout(600):
            return (await self._stdout.readline()).decode().strip()

    def go(self) -> None:
        self._stdin.write(b"\n")

    async def end(self) -> int:
        async with asyncio.timeout(600):
            return await self.process.wait()


Spawn = Callable[..., Awaitable[Child]]


def holder(name: str = "nightly") -> Holder:
    return Holder(
        run_id=name,
        cell="inception_v2 on sm8750",
        pid=os.getpid(),
        host_user="adam",
        since=datetime(2026, 3, 1, 22, 0, tzinfo=UTC),
    )


@asynccontextmanager
async def queued(
    leases: Leases, addresses: Sequence[str], name: str, got: list[str], expected_seconds: float = 0.0
) -> AsyncIterator[asyncio.Task[None]]:
    """A task that is already waiting in the queue; once served, it appends its name and the device to `got`."""
    waits = asyncio.Event()

    async def take() -> None:
        async with leases.take(
            addresses, holder(name), waiting=lambda _: waits.set(), expected_seconds=expected_seconds
        ) as address:
            got.append(f"{name} {address}")

    task = asyncio.create_task(take())
    async with asyncio.timeout(600):
        await waits.wait()
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def take_and_note(leases: Leases, addresses: Sequence[str], name: str, got: list[str]) -> None:
    async with leases.take(addresses, holder(name)) as address:
        got.append(f"{name} {address}")
        await asyncio.sleep(0)
