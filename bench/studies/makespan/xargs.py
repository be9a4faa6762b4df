"""`xargs -P` over the cells, one process per host slot. A cell keeps its slot while it has a device."""

from __future__ import annotations

import subprocess

from bench.job import Job
from bench.studies.makespan.scripted import SCRIPT, write_rack


def run(job: Job) -> None:
    """Run every cell in a folder below the job's. Raises CalledProcessError if a cell fails."""
    write_rack(job)
    lines = "".join(f"{network.name} {soc}\n" for network, soc in job.cells)
    argv = ["xargs", "-P", str(job.at_once), "-L", "1", "bash", str(SCRIPT), job.folder, "all"]
    subprocess.run(argv, input=lines, text=True, check=True)
