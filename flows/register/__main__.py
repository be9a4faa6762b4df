"""Create or update the work pool, the deployments and the automations on the server that PREFECT_API_URL names.

    python -m flows.register
    python -m flows.register --notify slack-webhook/lab

Works from a checkout and from the installed package. The folder it is called in becomes that of the runs: relative
paths of a sweep file, a DLC or a store are resolved against it on every worker.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from prefect.client.orchestration import get_client

from flows.register.automations import notification_block, register_automations
from flows.register.files import POOL, POOL_TEMPLATE, deployments_file, nightly_file


def _prefect(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "prefect", *arguments], check=False).returncode


def _work_pool() -> int:
    template = ("--base-job-template", str(POOL_TEMPLATE), POOL)
    return _prefect("work-pool", "create", "--type", "process", *template) and _prefect(
        "work-pool", "update", *template
    )


def _deployments() -> int:
    return _prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(deployments_file()))


def _write_nightly() -> None:
    """Put the sweep file that `nightly-sweep` runs where the deployment expects it, if there is none."""
    if not (there := Path("examples", "nightly.yaml")).exists():
        there.parent.mkdir(exist_ok=True)
        shutil.copyfile(nightly_file(), there)
        print(f"{there}: written; the nightly runs it, so add your networks to it")


async def _automations(notify: str | None) -> None:
    async with get_client() as client:
        block = await notification_block(client, notify) if notify else None
        for name in await register_automations(client, block):
            print(f"{name}: registered")


def main() -> int:
    """Register everything, and return the exit code of the first failure."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.register",
        description="Create or update the work pool, the deployments and the automations.",
    )
    parser.add_argument("--notify", metavar="TYPE/NAME", help="notification block, as in slack-webhook/lab")
    notify = parser.parse_args().notify
    _write_nightly()
    if failed := _work_pool() or _deployments():
        return failed
    asyncio.run(_automations(notify))
    return 0


if __name__ == "__main__":
    sys.exit(main())
