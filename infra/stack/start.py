"""From nothing to a stack that takes runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from infra.stack import parts
from infra.stack.bucket import make_bucket
from infra.stack.failure import StackFailed
from infra.stack.parts import Part
from infra.stack.postgresql import Postgresql, as_account
from infra.stack.processes import MARK, Processes
from infra.stack.settings import BUCKET, Settings, as_shell, write_private

_LOOK_SECONDS, _REGISTER_SECONDS = 0.2, 240.0
_SHOWN = ("AWS_", "QHAS_", "PREFECT_")


def start(
    processes: Processes, settings: Settings, installed: Postgresql, root: Path, console: Console
) -> None:
    """Start every part in its order, make the bucket and register the deployments. Raises StackFailed."""
    folder = processes.folder
    installed.create(Path(settings.data), settings.database_password)
    (folder / "site.yaml").write_text(f"store: s3://{BUCKET}\n", encoding="utf-8")
    for_users = parts.worker_environment(settings, folder)
    write_private(
        folder / "env", as_shell({k: v for k, v in for_users.items() if k.startswith(_SHOWN)})
    )
    with console.status("") as shown:
        for part in _in_order(settings, installed, folder, root):
            shown.update(f"{part.name} ...")
            start_part(processes, part)
            if part.name == "s3":
                make_bucket(settings)
            if part.name == "server":
                shown.update("work pool and deployments ...")
                _register(processes, settings, root)


def start_part(processes: Processes, part: Part) -> None:
    """Start one part and wait until it is ready. Raises StackFailed."""
    try:
        process = processes.start(
            part.name, part.argv, part.environment, cwd=part.folder, **as_account(part.account)
        )
    except OSError as error:
        raise StackFailed(f"The part {part.name} cannot be started: {error}.") from error
    deadline = time.monotonic() + part.seconds
    while not part.ready():
        if not process.alive:
            raise _failed(processes, part.name, "ended at once")
        if time.monotonic() > deadline:
            raise _failed(processes, part.name, f"was not ready within {part.seconds:g} s")
        time.sleep(_LOOK_SECONDS)


def _in_order(settings: Settings, installed: Postgresql, folder: Path, root: Path) -> Iterator[Part]:
    yield parts.database(settings, installed)
    yield parts.storage(settings, folder)
    if settings.redis:
        yield parts.redis(settings, folder)
    yield parts.server(settings, folder)
    if settings.redis:
        yield parts.services(settings, folder)
    for queue in parts.queues(root):
        yield parts.worker(settings, folder, root, queue)


def _register(processes: Processes, settings: Settings, root: Path) -> None:
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
    if done.returncode:
        raise _failed(processes, "register", f"failed with exit code {done.returncode}")


def _failed(processes: Processes, name: str, what: str) -> StackFailed:
    log = processes.log(name)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return StackFailed(f"The part {name} {what}. It said: {lines[-1].strip() if lines else 'nothing'} ({log})")
