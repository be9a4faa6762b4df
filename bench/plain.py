"""The script that people write first: three subprocesses a cell, N cells at a time. No retries, no checks, no store.

Standard library only, so that its CPU time and memory are those of a script and not of this project. Its command lines
are written out by hand; the self-check compares them with those that the product recorded.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.job import Job, Network, cell_key

CALLS = "calls.json"
"""What was called, by cell: a list of (argv, seconds)."""

_TARGET = "x86_64-linux-clang"
_CONFIG = {
    "features": {
        "qhas_json": True,
        "qhas_schema": True,
        "htp_json": True,
        "runtrace": True,
        "memory_info": True,
        "traceback": True,
        "enable_input_output_flow_events": False,
        "enable_sequencer_flow_events": False,
    }
}


@dataclass(frozen=True)
class _Cell:
    """A cell's folder, and how its tools are called there."""

    sdk: Path
    folder: Path
    environment: dict[str, str]
    calls: list[tuple[list[str], float]]

    def call(self, tool: str, *arguments: str) -> None:
        argv = [str(self.sdk / "bin" / _TARGET / tool), *arguments]
        began = time.perf_counter()
        with (self.folder / f"{tool}.txt").open("wb") as output:
            subprocess.run(
                argv,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        self.calls.append((argv, time.perf_counter() - began))


def run(job: Job) -> None:
    """Run every cell in a folder `<network>/<soc>/default` of the job's. Raises CalledProcessError."""
    with ThreadPoolExecutor(job.at_once) as pool:
        calls = dict(pool.map(lambda cell: _run_cell(job, *cell), job.cells))
    (Path(job.folder) / CALLS).write_text(json.dumps(calls), encoding="utf-8")


def _run_cell(job: Job, network: Network, soc: str) -> tuple[str, list[tuple[list[str], float]]]:
    key = cell_key(network.name, soc)
    sdk, folder = Path(job.sdk), Path(job.folder) / key
    folder.mkdir(parents=True)
    shutil.copyfile(network.inputs, folder / "input_list.txt")
    (folder / "config.json").write_text(json.dumps(_CONFIG), encoding="utf-8")
    cell = _Cell(sdk, folder, _environment(sdk, soc), [])
    cell.call(
        "snpe-dlc-graph-prepare",
        f"--input_dlc={network.dlc}",
        f"--output_dlc={folder / 'prepared.dlc'}",
        f"--htp_socs={soc}",
        *("--profiling_level", "qhas"),
    )
    cell.call(
        "snpe-net-run",
        "--container=prepared.dlc",
        "--input_list=input_list.txt",
        "--output_dir=output",
        *("--profiling_level", "qhas"),
        "--perf_profile=burst",
        "--use_dsp",
        "--validate_cache",
        "--cache_compatibility_mode=strict",
    )
    [schematic] = folder.glob("*_schematic.bin")
    cell.call(
        "qnn-profile-viewer",
        f"--config={folder / 'config.json'}",
        f"--reader={sdk / 'lib' / _TARGET / 'libQnnHtpOptraceProfilingReader.so'}",
        f"--input_log={folder / 'profilelogs' / 'qnn-profiling-data.log'}",
        f"--schematic={schematic}",
        f"--output={folder / 'chrometrace.json'}",
    )
    return key, cell.calls


def _environment(sdk: Path, soc: str) -> dict[str, str]:
    return {
        **os.environ,
        "LD_LIBRARY_PATH": str(sdk / "lib" / _TARGET),
        "PATH": f"{sdk / 'bin' / _TARGET}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "QNN_SDK_ROOT": str(sdk),
        "SNPE_ROOT": str(sdk),
        "HOSTSDK_SOC": soc,
    }
