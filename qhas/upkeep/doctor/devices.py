"""Checks of the site's devices and of the clients that reach them."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from qhas.devices.lease import Leases, LeaseState, default_directory
from qhas.devices.opening import open_shell
from qhas.devices.shell import Shell
from qhas.failures import FACTS, DeviceFailed, FailureKind, InvalidInput
from qhas.machine.process import tool_environment
from qhas.machine.scratch import Scratch
from qhas.site import TRANSPORTS, DeviceRef, Site, Transport, TransportFacts
from qhas.upkeep.doctor.finding import Finding

_CLIENT_SECONDS = 15.0
_ANSWER_SECONDS = 10.0


def examine(site: Site) -> Iterator[Finding]:
    """Check the clients that the site needs, then each phone and board."""
    if not site.devices:
        yield Finding("devices", True, "none listed: any SoC the SDK knows is simulated on this host")
        return
    names = ", ".join(f"{ref.name} ({ref.soc})" for ref in site.devices)
    yield Finding("devices", True, names)
    remote = [ref for ref in site.devices if ref.transport is not Transport.HOST]
    clients = list(_clients(remote))
    yield from clients
    if remote and all(client.good for client in clients):
        yield from asyncio.run(_ask_all(remote))


def _clients(remote: list[DeviceRef]) -> Iterator[Finding]:
    for transport, facts in TRANSPORTS.items():
        refs = [ref for ref in remote if ref.transport is transport]
        if refs:
            yield _client(facts)
        if transport is Transport.ADB:
            yield from map(_adb_server, dict.fromkeys(ref.adb_server for ref in refs))


def _client(facts: TransportFacts) -> Finding:
    program, command = facts.client[0], " ".join(facts.client)
    code, text = _run(facts.client)
    if code:
        return Finding(
            program, False, f"`{command}` failed ({text or f'exit code {code}'}): {facts.install}."
        )
    build = re.search(r"^Version (\S+)", text, re.MULTILINE)
    return Finding(program, True, text.splitlines()[0] + (f", {build[1]}" if build else ""))


def _adb_server(server: str | None) -> Finding:
    """Check whether the server answers; the query starts a local one."""
    address = server or "of this host"
    host, _, port = (server or "").rpartition(":")
    code, text = _run(["adb", *(["-H", host, "-P", port] if server else []), "devices"])
    if "doesn't match this client" in text:
        step = "use one adb version on this host; each version kills the other's server, and the runs with it"
        return Finding("adb server", False, f"{text.splitlines()[0]}: {step}.")
    if code:
        step = "start it there with `adb -a nodaemon server start`" if server else "run `adb start-server`"
        last = text.splitlines()[-1] if text else f"exit code {code}"
        return Finding("adb server", False, f"The adb server {address} does not answer ({last}): {step}.")
    listed = len(re.findall(r"\t", text))
    return Finding("adb server", True, f"the server {address} answers and lists {listed} devices")


def _run(argv: Sequence[str]) -> tuple[int, str]:
    """Return a client's exit code and all its output; 127 if it is missing or hangs."""
    try:
        answer = subprocess.run(
            argv,
            env=tool_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=_CLIENT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return answer.returncode, answer.stdout.strip()


async def _ask_all(remote: list[DeviceRef]) -> list[Finding]:
    try:
        states = Leases(default_directory()).states([ref.address for ref in remote])
    except InvalidInput:  # reported by the check of the leases
        states = [LeaseState(address=ref.address) for ref in remote]
    with Scratch() as folder:
        answers = (_ask(ref, state, folder) for ref, state in zip(remote, states, strict=True))
        return await asyncio.gather(*answers)


async def _ask(ref: DeviceRef, state: LeaseState, scratch: Path) -> Finding:
    what = f"{ref.name} ({ref.soc})"
    if state.holder:
        return Finding(what, True, f"is in use by run {state.holder.run_id}; it was not checked")
    if state.stranger:
        return Finding(
            what, False, f"is locked by {state.stranger} for an unknown purpose; terminate that process."
        )
    brief = ref.model_copy(update={"answer_seconds": min(ref.answer_seconds, _ANSWER_SECONDS)})
    try:
        await _answers(open_shell(brief, scratch))
    except DeviceFailed as error:
        return Finding(what, False, f"{error.kind}: {error} {FACTS[error.kind].hint}")
    if state.quarantine:
        step = "`qhas devices --check` brings it back"
        return Finding(what, False, f"answers, but is quarantined ({state.quarantine.reason}); {step}.")
    return Finding(what, True, f"answers at {ref.address.partition(':')[2]}")


async def _answers(shell: Shell) -> None:
    """Raise DeviceFailed unless the device can be reached."""
    try:
        await shell.require_answer()
    finally:
        await _closed(shell)


async def _closed(shell: Shell) -> None:
    try:
        await shell.close()
    except DeviceFailed as error:
        if error.kind is FailureKind.CLIENT_BROKEN:
            raise
