"""A contender's round in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.failure import BenchFailed
from bench.job import Job

_SAID = 500
"""The number of characters of a message that are shown; Prefect's may contain a whole request."""


class ContenderFailed(BenchFailed):
    """A contender did not complete its round. The message says which, and what it printed last."""


def in_a_fresh_process(module: str, job: Job, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run the module's `run` on the job and return what `bench.worker` reports. Raises ContenderFailed."""
    folder = Path(job.folder)
    request, answer, output = (folder.with_suffix(f".{kind}") for kind in ("job", "result", "txt"))
    job.write(request)
    answer.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "bench.worker", module, str(request), str(answer)]
    with output.open("wb") as sink:
        done = subprocess.run(argv, env=environment, stdout=sink, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        said = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise ContenderFailed(f"{module} failed: {said[-1][:_SAID] if said else 'no output'}")
    found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    return found
