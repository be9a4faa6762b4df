"""The script that people write first: three subprocesses per cell, N cells at a time, no retries, checks or store.

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
"""The file of all calls, keyed by cell: a list of (argv, seconds)."""

TARGET = "x86_64-linux-clang"
CONFIG = {
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
class PlainCell:
    """A cell's folder, and the calls of its tools there. Raises CalledProcessError if a tool fails."""

    sdk: Path
    folder: Path
    dlc: str
    soc: str
    calls: list[tuple[list[str], float]]

    def prepare(self) -> None:
        """Turn the DLC into a prepared DLC and a schematic."""
        self._call(
            "snpe-dlc-graph-prepare",
            f"--input_dlc={self.dlc}",
            f"--output_dlc={self.folder / 'prepared.dlc'}",
            f"--htp_socs={self.soc}",
            *("--profiling_level", "qhas"),
        )

    def net_run(self) -> None:
        """Turn the prepared DLC into a profiling log."""
        self._call(
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

    def view(self) -> None:
        """Turn profiling log and schematic into chrometrace and QHAS."""
        [schematic] = self.folder.glob("*_schematic.bin")
        self._call(
            "qnn-profile-viewer",
            f"--config={self.folder / 'config.json'}",
            f"--reader={self.sdk / 'lib' / TARGET / 'libQnnHtpOptraceProfilingReader.so'}",
            f"--input_log={self.folder / 'profilelogs' / 'qnn-profiling-data.log'}",
            f"--schematic={schematic}",
            f"--output={self.folder / 'chrometrace.json'}",
        )

    def _call(self, tool: str, *arguments: str) -> None:
        argv = [str(self.sdk / "bin" / TARGET / tool), *arguments]
        began = time.perf_counter()
        with (self.folder / f"{tool}.txt").open("wb") as output:
            subprocess.run(
                argv,
                cwd=self.folder,
                env=_environment(self.sdk, self.soc),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        self.calls.append((argv, time.perf_counter() - began))


def run(job: Job) -> None:
    """Run every cell in a folder `<network>/<soc>/default` below the job's. Raises CalledProcessError."""
    with ThreadPoolExecutor(job.at_once) as pool:
        calls = dict(pool.map(lambda cell: _run_cell(job, *cell), job.cells))
    (Path(job.folder) / CALLS).write_text(json.dumps(calls), encoding="utf-8")


def _run_cell(job: Job, network: Network, soc: str) -> tuple[str, list[tuple[list[str], float]]]:
    cell = open_cell(job, network, soc)
    cell.prepare()
    cell.net_run()
    cell.view()
    return cell_key(network.name, soc), cell.calls


def open_cell(job: Job, network: Network, soc: str) -> PlainCell:
    """Create a cell's folder below the job's, with everything that its tools read."""
    folder = Path(job.folder) / cell_key(network.name, soc)
    folder.mkdir(parents=True)
    shutil.copyfile(network.inputs, folder / "input_list.txt")
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return PlainCell(Path(job.sdk), folder, network.dlc, soc, [])


def _environment(sdk: Path, soc: str) -> dict[str, str]:
    return {
        **os.environ,
        "LD_LIBRARY_PATH": str(sdk / "lib" / TARGET),
        "PATH": f"{sdk / 'bin' / TARGET}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "QNN_SDK_ROOT": str(sdk),
        "SNPE_ROOT": str(sdk),
        "HOSTSDK_SOC": soc,
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # as the product has it, so that only its overhead differs
        "OPENBLAS_NUM_THREADS": "1",
    }
