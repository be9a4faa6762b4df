"""A lab whose sweeps can be killed: the fake SDK, one device per SoC, and the command as users start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from fakes.dlc import make_dlc
from fakes.sdk import Tool, build_fake_sdk, order
from qhas.devices.lease import Leases, LeaseState

QHAS = Path(sys.executable).parent / "qhas"
ROOT = Path(__file__).parents[2]
SOCS = ("sm8750", "sm8650", "sa8255", "qcs9100")
SECONDS = {Tool.PREPARE: 0.1, Tool.NET_RUN: 0.15, Tool.VIEWER: 0.1}
"""A tool's own time, spent waiting, which leaves the cores free."""


@dataclass(frozen=True)
class SweepLab:
    """Networks x SoCs, one device of transport host per SoC; whatever sweeps leave behind is below `folder`."""

    folder: Path
    sdk: Path
    cells: tuple[str, ...]
    environment: Mapping[str, str]
    entrance: tuple[str, ...] = ()
    """The words that precede the command lines of sweeps."""

    @property
    def scratch(self) -> Path:
        """The TMPDIR of the sweeps."""
        return Path(self.environment["TMPDIR"])

    def start(self, run_id: str) -> subprocess.Popen[bytes]:
        """Start `qhas sweep` in its own process group, with its output in `<run_id>.txt`."""
        with (self.folder / f"{run_id}.txt").open("ab") as said:
            return subprocess.Popen(
                [*self.entrance, str(QHAS), "sweep", str(self.folder / "sweep.yaml"), "--site", str(self.folder / "site.yaml"), "--run-id", run_id],
                cwd=ROOT,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )  # fmt: skip

    def run(self, run_id: str, seconds: float = 3600) -> int:
        """Run a sweep to completion and return its exit code."""
        with ended_with_us(self.start(run_id)) as process:
            return process.wait(seconds)

    def said(self, run_id: str) -> str:
        """Return what the sweeps of a run printed."""
        return (self.folder / f"{run_id}.txt").read_text(encoding="utf-8", errors="replace")

    def leases(self) -> list[LeaseState]:
        """Return the lease state of every device."""
        return Leases(self.folder / "leases").states([f"host:sim-{soc}" for soc in SOCS])

    def tools_alive(self) -> list[int]:
        """Return the running processes of the fake SDK, whoever started them."""
        marker, found = str(self.sdk).encode(), []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and marker in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found

    def left_scratch(self) -> list[Path]:
        """Return the scratch directories of sweeps that have not been removed."""
        return sorted(path for path in self.scratch.iterdir() if path.name.startswith("qhas-"))


def build_lab(
    folder: Path,
    networks: int,
    environment: Mapping[str, str],
    store: str | None = None,
    scratch: Path | None = None,
    entrance: tuple[str, ...] = (),
    **site: Any,
) -> SweepLab:
    """Build a lab in an empty folder.

    `environment` is what a process needs to find Prefect and the store; `site` adds to site.yaml.
    """
    sdk = build_fake_sdk(folder / "sdk")
    order(sdk, durations=SECONDS)
    names = [f"net{number:02}" for number in range(networks)]
    models = [{"name": name, "dlc": str(make_dlc(folder / f"{name}.dlc", graph=name))} for name in names]
    sweep = {"name": "resilience", "models": models, "socs": SOCS, "run": {"repetitions": 0}}
    (folder / "sweep.yaml").write_text(json.dumps(sweep), encoding="utf-8")
    settings = {
        "store": store or str(folder / "store"),
        "sdk": {"root": str(sdk)},
        "devices": [{"name": f"sim-{soc}", "soc": soc, "transport": "host"} for soc in SOCS],
        "host": {"cores": 4, "free_scratch_mb": 0},
        **site,
    }
    (folder / "site.yaml").write_text(json.dumps(settings), encoding="utf-8")
    temporary = scratch or folder / "scratch"
    temporary.mkdir(exist_ok=True)
    variables = {"TMPDIR": str(temporary), "QHAS_LEASES": str(folder / "leases"), "COLUMNS": "200"}
    cells = tuple(f"{name}/{soc}/default" for name in names for soc in SOCS)
    return SweepLab(folder, sdk, cells, {**environment, **variables}, entrance)


def without_labs(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment without the variables of the user's own lab, store and Prefect."""
    private = ("PREFECT_", "QHAS_", "AWS_", "HOSTSDK_")
    return {name: value for name, value in environ.items() if not name.startswith(private)}


@contextmanager
def ended_with_us(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the process, and kill its group after the block."""
    try:
        yield process
    finally:
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to a process and its group; return when the process is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, SIGKILL)
    process.wait()
