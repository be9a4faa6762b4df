"""`python -m bench.worker CONTENDER JOB RESULT`: one contender's round in its own process, and what it used.

A contender's imports are its start-up, counted separately; its round starts with the job already read.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.job import Job
from bench.usage import Usage, peak_memory


def main(argv: Sequence[str]) -> None:
    """Run the module's `run` on the job and write a JSON object of seconds and bytes."""
    module, job_file, result_file = argv
    job = Job.read(Path(job_file))
    began = time.perf_counter()
    contender = import_module(module)
    start_up = time.perf_counter() - began
    before = Usage.so_far()
    outside_cells = contender.run(job)
    used = Usage.so_far() - before
    result = {
        "wall": used.wall,
        "cpu": used.cpu,
        "children_cpu": used.children_cpu,
        "peak_memory": peak_memory(),
        "start_up": start_up,
        "outside_cells": outside_cells or 0.0,
    }
    Path(result_file).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
