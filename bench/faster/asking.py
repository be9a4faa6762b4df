"""Answers to questions about a network on a SoC, obtained as by the commands, with the bench's own store."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.failure import BenchFailed
from bench.faster.kept import Question
from bench.faster.networks import dlc_of, onnx_of
from qhas.advise.advise import advise
from qhas.estimate.bench import Bench
from qhas.estimate.trial import Trial
from qhas.explain.explain import explain
from qhas.failures import InvalidInput
from qhas.site import Site
from qhas.tune.subject import open_bench
from qhas.tune.tune import tune


def ask(question: Question, network: str, soc: str, folder: Path, most_seconds: float) -> dict[str, Any]:
    """Return the answer with the `seconds` it took, or why it is `left_out`.

    It is left out if its compilation took more than `most_seconds` of CPU time, or if something went wrong. The answer
    of `tune` also says what a second call compiled (`again`) and whether it found the same best options.
    """
    site = Site(store=str(folder / "store"))
    try:
        source = (onnx_of if question is Question.ADVISE else dlc_of)(network, folder / "networks")
        with open_bench(str(source), soc, site) as bench:
            bench.estimator.try_one(Trial(bench.subject))
            if (took := _cpu_of_children()) > most_seconds:
                return {"left_out": f"its compilation takes {took:.1f} s of CPU, more than {most_seconds:g}"}
            start = time.monotonic()
            return _ANSWERS[question](bench, source) | {"seconds": time.monotonic() - start}
    except (InvalidInput, BenchFailed) as error:
        return {"left_out": str(error)}


def _cpu_of_children() -> float:
    """Return the CPU seconds used so far by the children of this process, except those that have terminated."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has terminated in the meantime
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[1]) == os.getpid() else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _tuned(bench: Bench, _source: Path) -> dict[str, Any]:
    answer = tune(bench)
    before = bench.estimator.compiled
    again = tune(bench)
    return answer.model_dump(mode="json") | {
        "again": bench.estimator.compiled - before,
        "same_again": again.best == answer.best,
    }


def _explained(bench: Bench, _source: Path) -> dict[str, Any]:
    return explain(bench).model_dump(mode="json")


def _advised(bench: Bench, source: Path) -> dict[str, Any]:
    target = source.with_name(f"{source.stem}.{bench.subject.soc}.better.onnx")
    return advise(source, bench, target).model_dump(mode="json")


_ANSWERS: dict[Question, Callable[[Bench, Path], dict[str, Any]]] = {
    Question.TUNE: _tuned,
    Question.EXPLAIN: _explained,
    Question.ADVISE: _advised,
}
