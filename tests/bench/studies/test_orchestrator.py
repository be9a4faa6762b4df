"""Orchestration alone: every step that does work is replaced, and CPU time is counted for a whole process tree."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from inspect import signature

from bench.studies.orchestrator.cells import without_tools
from bench.studies.orchestrator.contest import _TASK_RUNS_A_CELL
from bench.usage import tree_cpu
from qhas.cell.sequence import ONCE, Steps

NOT_OF_SIMULATORS = {"ready_device", "measure_latency"}
NO_TASK_OF_SIMULATORS = {"collect_logs"}
ASKED_FOR = {"convert", "quantize", "run_other_inputs", "scale", "measure_accuracy", "explain"}


def test_every_task_of_a_simulated_cell_is_counted_and_its_step_is_replaced() -> None:
    steps = {field.name for field in fields(Steps)} - ASKED_FOR - NOT_OF_SIMULATORS
    empty = without_tools(device_seconds=0)
    assert len(steps - NO_TASK_OF_SIMULATORS) == _TASK_RUNS_A_CELL
    assert steps == {name for name in steps if getattr(empty, name) is not getattr(ONCE, name)}


def test_steps_without_tools_name_their_cell_as_task_runs_are_named() -> None:
    empty = without_tools(device_seconds=0)
    tasks = {field.name for field in fields(Steps)} - ASKED_FOR - NOT_OF_SIMULATORS - NO_TASK_OF_SIMULATORS
    assert {next(iter(signature(getattr(empty, name)).parameters)) for name in tasks} == {"work"}


def test_cpu_of_children_counts_for_their_family_while_they_live_and_when_they_have_ended() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass\n"
    waits = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])\nprint('done', flush=True)\ninput()"
    before = tree_cpu(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        child.stdout.readline()
        assert tree_cpu(child.pid) >= 0.25
        assert tree_cpu(os.getpid()) - before >= 0.25
        child.communicate("\n")
