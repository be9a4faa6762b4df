"""The demo's networks as a task, so that a new installation has something to run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from prefect.logging import get_run_logger

from qhas.site.demo import make_networks
from tasks.policy import step


@step("make-samples", "make {files}")
async def make_samples(folder: Path, files: Iterable[str]) -> None:
    """Make files of sample networks in the demo's folder, some seconds each. Raises InvalidInput if one fails."""
    await make_networks(folder, lambda file: get_run_logger().info("Made sample network %s.", file), files)
