"""Apache Otava (0.8.0 was used) on the same histories, in an environment of its own: it is no dependency.

    python -m venv /tmp/otava && /tmp/otava/bin/pip install apache-otava
    QHAS_BENCH_OTAVA=/tmp/otava/bin/python python -m bench verdicts

It is asked as it is used: a whole history at once, with its default options and a minimum magnitude of 3 %; what it
then knows with hindsight counts for it. How soon it finds a change is asked night after night, of the changed series.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import numpy as np

from bench.synthetic import History, Table

PYTHON = os.environ.get("QHAS_BENCH_OTAVA", "")
_HINDSIGHT = 2
"""Nights by which the place of a change may be wrong."""
_PROGRAM = """
import json, sys, warnings
warnings.simplefilter("ignore")
from otava.analysis import compute_change_points
for line in sys.stdin:
    series = json.loads(line)
    points, _ = compute_change_points(series, window_len=50, max_pvalue=0.001, min_magnitude=0.03)
    print(json.dumps([int(p.index) for p in points if p.stats.mean_2 > p.stats.mean_1]))
"""


def alarms(history: History) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where it says that something is worse: on the night of the change by hindsight, or, of changed series, when it first says so."""
    told = np.zeros(history.median.shape, dtype=bool)
    for number, points in enumerate(_ask(list(history.median))):
        told[number, [point for point in points if point < history.nights]] = True
    nights = range(history.at, history.nights)
    for series in np.flatnonzero(history.changed):
        told[series, history.at - _HINDSIGHT :] = False
        found = _ask([history.median[series, : night + 1] for night in nights])
        for night, points in zip(nights, found, strict=True):
            if any(point >= history.at - _HINDSIGHT for point in points):
                told[series, night] = True
                break
    return told


def _ask(series: list[Table]) -> list[list[int]]:
    lines = "".join(json.dumps([float(value) for value in values]) + "\n" for values in series)
    run = subprocess.run([PYTHON, "-c", _PROGRAM], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]
