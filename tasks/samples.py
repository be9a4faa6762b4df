"""The demo's networks as a task: a new installation has something to run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prefect.logging import get_run_logger

from qhas.site.demo import make_networks
from tasks.policy import step


@step("make-samples", "make {names}")
async def make_samples(folder: Path, names: Iterable[str]) -> None:
    """Make sample networks in the demo's folder, some seconds each. Raises InvalidInput."""
    await make_networks(folder, lambda name: get_run_logger().info("Sample network %s is made.", name), names)
