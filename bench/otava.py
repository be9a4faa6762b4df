"""Apache Otava (0.8.0 was used) on the same histories, in its own environment: it is not a dependency.

    python -m venv /tmp/otava && /tmp/otava/bin/pip install apache-otava
    QHAS_BENCH_OTAVA=/tmp/otava/bin/python python -m bench verdicts

It is called the way it is used: on a whole history at once, with its default options and a minimum magnitude of 3 %,
so that hindsight counts in its favour. How soon it finds a change is tested night after night on the changed series.
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
"""How many nights too early the place of a change may be."""
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
    """Return where Otava reports that something is worse.

    That is the night of the change by hindsight or, for changed series, the night when it is first reported.
    """
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
