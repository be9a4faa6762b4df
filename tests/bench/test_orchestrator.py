"""Orchestration only: every step with work in it is replaced, and CPU is counted for a whole family of processes."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tasks
from bench.orchestrator.cells import _INSTEAD
from bench.orchestrator.contest import _TASK_RUNS_A_CELL
from bench.usage import tree_cpu

DO_NOTHING_FOR_SIMULATORS = {"ready_device", "measure_latency"}
OF_A_SWEEP = {"publish_report", "judge", "make_samples", "compare_runs", "show_comparison"}


def tasks_of_cells() -> set[str]:
    """Names of the task functions, read from the source of `tasks`."""
    [folder] = tasks.__path__
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(folder).glob("*.py")]
    functions = [node for tree in trees for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return {
        function.name for function in functions if any(map(_is_task, function.decorator_list))
    } - OF_A_SWEEP


def _is_task(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id == "task"
    )


def test_every_task_of_a_cell_is_counted_and_its_step_is_replaced_or_idle_on_simulators() -> None:
    found = tasks_of_cells()
    assert len(found) == _TASK_RUNS_A_CELL
    assert found == {name for _, name, _ in _INSTEAD} | DO_NOTHING_FOR_SIMULATORS


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, name, _ in _INSTEAD])
def test_a_replaced_step_is_where_its_task_looks_for_it(module: object, name: str) -> None:
    assert callable(getattr(module, name))


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
