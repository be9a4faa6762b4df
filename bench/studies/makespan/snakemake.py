"""Snakemake on the same cells, with host slots and devices declared as resources; it is installed into its own venv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench.failure import BenchFailed
from bench.job import Job
from bench.studies.makespan.scripted import write_rack

PROGRAM_VARIABLE = "QHAS_BENCH_SNAKEMAKE"
"""The variable that names the program if it is already installed; otherwise the machine's uv or pip installs it."""
_WORKFLOW = Path(__file__).with_name("Snakefile").resolve()
_FETCH_SECONDS = 300


class SnakemakeMissing(BenchFailed):
    """Snakemake cannot be obtained. The message says why."""


def run(job: Job) -> None:
    """Run every cell in a folder below the job's. Raises CalledProcessError if Snakemake fails."""
    write_rack(job)
    devices = [f"dev_{soc}={job.devices}" for soc in job.socs]
    cores = job.at_once + job.devices * len(job.socs)
    argv = [
        *(os.environ[PROGRAM_VARIABLE], "--snakefile", str(_WORKFLOW), "--directory", job.folder),
        *("--cores", str(cores), "--resources", f"host={job.at_once}", *devices),
        *("--quiet", "all", "--nolock", "--latency-wait", "0"),
    ]
    subprocess.run(argv, check=True)


def obtain(folder: Path) -> tuple[Path, str]:
    """Return the program and its version, by default from a new venv in `folder`. Raises SnakemakeMissing."""
    named = os.environ.get(PROGRAM_VARIABLE)
    program = Path(named) if named else _install(folder / "snakemake")
    return program, _output([str(program), "--version"])


def _install(venv: Path) -> Path:
    if uv := shutil.which("uv"):
        _output([uv, "venv", "--python", sys.executable, str(venv)])
        _output([uv, "pip", "install", "--python", str(venv / "bin" / "python"), "snakemake"])
    else:
        _output([sys.executable, "-m", "venv", str(venv)])
        _output([str(venv / "bin" / "pip"), "install", "--quiet", "snakemake"])
    return venv / "bin" / "snakemake"


def _output(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SnakemakeMissing(str(error)) from error
    said = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if done.returncode != 0:
        raise SnakemakeMissing(said[-1] if said else f"{argv[0]} failed without output")
    return said[-1] if said else ""
