"""From nothing to a stack that accepts runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from infra.stack import parts
from infra.stack.bucket import make_bucket
from infra.stack.failure import PortTaken, StackFailed
from infra.stack.listener import Listener
from infra.stack.parts import Part
from infra.stack.postgresql import Postgresql, as_account
from infra.stack.processes import MARK, Process, Processes
from infra.stack.settings import BUCKET, Settings, as_shell, write_private

_LOOK_SECONDS, _REGISTER_SECONDS = 0.2, 600.0
_SHOWN = ("AWS_", "QHAS_", "PREFECT_")


def start(
    processes: Processes, settings: Settings, installed: Postgresql, root: Path, console: Console
) -> None:
    """Start the parts in order, make the bucket and register the deployments.

    Raises StackFailed, including PortTaken.
    """
    folder = processes.folder
    installed.create(Path(settings.data), settings.database_password)
    write_private(folder / "site.yaml", f"store: s3://{BUCKET}\nlinks: {{base: {settings.pages}}}\n")
    write_private(folder / "login", f"{settings.login}\n")
    for_users = parts.worker_environment(settings, folder)
    write_private(folder / "env", as_shell({k: v for k, v in for_users.items() if k.startswith(_SHOWN)}))
    with console.status("") as shown:
        for parts_at_once in in_order(settings, installed, folder, root):
            names = [part.name for part in parts_at_once]
            shown.update(f"{', '.join(names)} ...")
            start_parts(processes, parts_at_once)
            if "s3" in names:
                make_bucket(settings)
            if "server" in names:
                shown.update("work pool and deployments ...")
                _register(processes, settings, root)


def start_parts(processes: Processes, started: Sequence[Part]) -> None:
    """Start parts side by side and wait until all are ready. Raises StackFailed, including PortTaken."""
    running = [(part, _begin(processes, part)) for part in started]
    for part, process in running:
        _await(processes, part, process)


def _begin(processes: Processes, part: Part) -> Process:
    try:
        return processes.start(
            part.name, part.argv, part.environment, cwd=part.folder, **as_account(part.account)
        )
    except OSError as error:
        raise StackFailed(f"{part.name} cannot be started: {error}.") from error


def _await(processes: Processes, part: Part, process: Process) -> None:
    deadline = time.monotonic() + part.seconds
    while not _is_ready(part, process):
        if not process.alive:
            raise _failed(processes, part.name, "exited immediately")
        if time.monotonic() > deadline:
            raise _failed(processes, part.name, f"was not ready within {part.seconds:g} s")
        time.sleep(_LOOK_SECONDS)


def _is_ready(part: Part, process: Process) -> bool:
    if part.port is None:
        return part.ready()
    listener = process.listener_at(part.port)
    if listener is Listener.OTHER:  # Prefect's server reports it and stays, doing nothing
        raise PortTaken(
            f"Port {part.port} was free, but another program took it before {part.name} could; start the stack again."
        )
    return listener is Listener.OWN and part.ready()


def in_order(settings: Settings, installed: Postgresql, folder: Path, root: Path) -> Iterator[list[Part]]:
    """Yield the parts in order; those in one list start at once."""
    first = [parts.database(settings, installed), parts.storage(settings, root)]
    yield [*first, parts.redis(settings, folder)] if settings.redis else first
    yield [parts.server(settings, folder), parts.reports(settings, folder, root)]
    workers = [parts.worker(settings, folder, root, queue) for queue in parts.queues(root)]
    yield [parts.services(settings, folder), *workers] if settings.redis else workers


def _register(processes: Processes, settings: Settings, root: Path) -> None:
    try:
        with processes.log("register").open("wb") as log:
            done = subprocess.run(
                [str(root / "infra" / "register")],
                env=parts.worker_environment(settings, processes.folder) | {MARK: str(processes.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=root,
                timeout=_REGISTER_SECONDS,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise _failed(processes, "register", f"did not finish within {_REGISTER_SECONDS:g} s") from None
    if done.returncode:
        raise _failed(processes, "register", f"failed with exit code {done.returncode}")


def _failed(processes: Processes, name: str, what: str) -> StackFailed:
    log = processes.log(name)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return StackFailed(f"{name} {what}. Its last output: {lines[-1].strip() if lines else 'nothing'} ({log})")
