"""`xargs -P` over the cells, as many at once as there are host slots. A cell keeps its place while it has a device."""

from __future__ import annotations

import subprocess

from bench.job import Job
from bench.studies.makespan.scripted import SCRIPT, write_rack


def run(job: Job) -> None:
    """Run every cell in a folder of the job's. Raises CalledProcessError."""
    write_rack(job)
    lines = "".join(f"{network.name} {soc}\n" for network, soc in job.cells)
    argv = ["xargs", "-P", str(job.at_once), "-L", "1", "bash", str(SCRIPT), job.folder, "all"]
    subprocess.run(argv, input=lines, text=True, check=True)
