"""The time of one small cell by `qhas profile`, with its graph in the store, compared with its tools' own time.

The network is the host SDK's trial, which has only an op or two, so that everything beyond the tools shows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.failure import BenchFailed
from bench.size import Size
from qhas.runs.stored import load_run
from qhas.store import Store

TIMES_TOOLS, START_SECONDS = 1.5, 0.5
"""The allowance of such a cell: this many times its tools' own time, plus the start of the command."""
_ROUNDS = {Size.QUICK: 2, Size.NORMAL: 5, Size.FULL: 5}
_DROPPED = ("PYTHONDONTWRITEBYTECODE", "QHAS_SITE", "PREFECT_API_URL", "PREFECT_PROFILE")


def measure(folder: Path, size: Size, console: Console) -> dict[str, Any]:
    """Measure the best of a few runs after one that prepares the graph. Raises BenchFailed.

    Each has its own network name and therefore its own inputs, so that it is executed.
    """
    store = Store(str(folder / "store"))
    (folder / "site.yaml").write_text(f"store: {folder / 'store'}\n")
    with as_file(files("hostsdk") / "trial.dlc") as dlc:
        _profile(folder, dlc, "prepares")
        copies = [Path(shutil.copy(dlc, folder / f"round-{number}.dlc")) for number in range(_ROUNDS[size])]
    rounds = [_round(folder, copy, copy.stem, store) for copy in copies]
    wall, tools = min(rounds, key=lambda seconds: seconds[0] / allowance(seconds[1]))
    share = wall / allowance(tools)
    title = f"may take {TIMES_TOOLS} times its tools' time and {START_SECONDS} s"
    table = Table("wall", "tools' own", "wall / tools", "share of what it may take", title=title)
    table.add_row(f"{wall:.2f} s", f"{tools:.2f} s", f"{wall / tools:.2f}", f"{share:.0%}")
    console.print(table)
    return {"wall_seconds": wall, "tools_seconds": tools, "ratio": wall / tools, "share_of_allowance": share}


def allowance(tools_seconds: float) -> float:
    """Return the seconds that a cell may take."""
    return TIMES_TOOLS * tools_seconds + START_SECONDS


def _round(folder: Path, dlc: Path, run_id: str, store: Store) -> tuple[float, float]:
    """Return the seconds of the command and of its tools."""
    begun = time.monotonic()
    _profile(folder, dlc, run_id)
    wall = time.monotonic() - begun
    _, (cell,) = load_run(store, run_id)
    if cell.prepared is None or not cell.prepared.reused:
        raise BenchFailed("The graph was prepared again.")
    if cell.outputs_reused:
        raise BenchFailed("Nothing was executed.")
    return wall, sum(tool.seconds for attempt in cell.attempts for tool in attempt.tools)


def _profile(folder: Path, dlc: Path, run_id: str) -> None:
    command = [str(Path(sys.executable).with_name("qhas")), "profile", str(dlc), "--soc", "sa8255"]
    environment = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    process = subprocess.run(
        [*command, "--site", str(folder / "site.yaml"), "--run-id", run_id],
        cwd=folder,
        env=environment | {"PREFECT_HOME": str(folder / "prefect")},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        raise BenchFailed(f"qhas profile ended with {process.returncode}: {process.stderr[-1000:]}")
