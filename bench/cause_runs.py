"""Networks converted, compiled by Qualcomm's compiler and run in its simulator, as evidence for comparisons."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from bench.failure import BenchFailed
from qhas.cell.chrometrace import generate_chrometrace
from qhas.cell.net_run import collect_logs, net_run
from qhas.cell.prepare import prepare_graph
from qhas.cell.publish import publish_cell
from qhas.cell.work import open_work
from qhas.diff.circumstances import Evidence
from qhas.diff.runs import evidence_of
from qhas.lab.lab import Lab, open_lab
from qhas.site import SdkRef, Site
from qhas.site.sdk import HOST_TARGET, host_sdk_root
from qhas.sweep.spec import Cell

_RUN = "causes"


def convert(onnx: Path, dlc: Path) -> None:
    """Convert a network to a DLC. Raises BenchFailed."""
    argv = [str(_converter()), "--input_network", str(onnx), "--output_path", str(dlc)]
    done = subprocess.run(argv, cwd=onnx.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchFailed(f"{onnx.name} could not be converted: {done.stderr.strip() or done.stdout.strip()}")


@cache
def _converter() -> Path:
    return host_sdk_root() / "bin" / HOST_TARGET / "snpe-onnx-to-dlc"


def cells_run(cells: Mapping[str, Cell], folder: Path) -> dict[str, Evidence]:
    """Run cells and return their evidence for comparisons, by key; graphs prepared in that folder are reused."""
    return asyncio.run(_run(cells, folder))


async def _run(cells: Mapping[str, Cell], folder: Path) -> dict[str, Evidence]:
    site = Site(store=str(folder / "store"), sdk=SdkRef(root=host_sdk_root()))
    async with open_lab(site) as lab, asyncio.TaskGroup() as group:
        running = {key: group.create_task(_profile(cell, lab)) for key, cell in cells.items()}
    return {key: task.result() for key, task in running.items()}


async def _profile(cell: Cell, lab: Lab) -> Evidence:
    async with open_work(cell, lab, _RUN) as work:
        prepared = await prepare_graph(work)
        async with work.lease() as device:
            log = await collect_logs(work, await net_run(work, prepared, device), device)
        await generate_chrometrace(work, prepared, log)
        record = await publish_cell(work)
    return evidence_of(lab.store, record)
