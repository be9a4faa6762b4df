"""The benches by name. Each is imported only when requested: some need what others do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.size import Size

Measure = Callable[[Path, Size, Console], Any]
"""Measure in an empty folder, print a table, and return what JSON can hold."""


class NoSuchBench(Exception):
    """A name that no bench has. The message lists the known names."""


@dataclass(frozen=True)
class Bench:
    """A module with a function `measure`, and what its figures show."""

    name: str
    module: str
    sentence: str

    @property
    def there(self) -> bool:
        """Whether this checkout contains the bench."""
        return find_spec(self.module) is not None

    def __call__(self, folder: Path, size: Size, console: Console) -> Any:
        measure: Measure = import_module(self.module).measure
        return measure(folder, size, console)


BENCHES = (
    Bench("start", "bench.start", "what a command costs before it does anything"),
    Bench("direct", "bench.direct", "what one small cell takes by `qhas profile`, against its tools"),
    Bench("overhead", "bench.overhead", "what a cell costs above its tools' own time"),
    Bench("nightly", "bench.nightly", "a second nightly, which prepares nothing, against the first"),
    Bench(
        "resilience",
        "bench.resilience.kills",
        "what a sweep loses when it is killed, and whether anything is wrong",
    ),
    Bench("report", "bench.report", "how long the report of a night takes, and how large its pages are"),
    Bench("causes", "bench.causes", "whether the diff names the true cause of known changes"),
    Bench(
        "planted",
        "bench.planted",
        "whether causes that were planted are named by upgrade and bisect, and none besides",
    ),
    Bench("history", "bench.history", "three years of history in S3: asked, appended to, compacted"),
    Bench("verdicts", "bench.verdicts", "false alarms and changes found, on histories whose truth is known"),
)


STUDIES = (
    Bench(
        "makespan",
        "bench.studies.makespan.contest",
        "how near a sweep on a rack comes to the shortest possible one",
    ),
    Bench(
        "orchestrator",
        "bench.studies.orchestrator.contest",
        "what Prefect costs a cell, by cells and database",
    ),
    Bench("foretold", "bench.studies.foretold", "what `qhas plan` says a sweep takes against what it takes"),
    Bench(
        "prepares",
        "bench.studies.prepares",
        "how well a network's size tells what its graph-prepare takes",
    ),
    Bench(
        "reproduced",
        "bench.studies.reproduced",
        "how few ops show what another SDK does to the demo's networks",
    ),
    Bench(
        "reexports",
        "bench.studies.reexports",
        "whether a network that was only exported anew sets anything off",
    ),
    Bench("traces", "bench.studies.traces", "checking traces against general parsers"),
    Bench("storage", "bench.studies.storage", "the store against other S3 clients"),
    Bench(
        "trials", "bench.studies.trials", "how much of a trial is the library's own compiling, and its memory"
    ),
)
"""Run only when named: docs/benchmarks.md has their results."""


OWN_WORDS = {
    "truth": "simulated times against measured ones, of networks of your own too",
    "ceilings": "what HMX, HVX and DRAM do at most, by small networks of known work",
    "llm": "language models simulated against measured ones",
    "faster": "tune, explain and advise on known networks",
}
"""Commands with their own options, each in `bench.WORD.command`."""


def chosen(names: Iterable[str]) -> list[Bench]:
    """Return the named benches and studies in table order, or all benches without names. Raises NoSuchBench."""
    there = [bench for bench in (*BENCHES, *STUDIES) if bench.there]
    wanted = set(names) or {bench.name for bench in BENCHES}
    if unknown := wanted - {bench.name for bench in (*there, *BENCHES)}:
        known = ", ".join(bench.name for bench in there)
        raise NoSuchBench(f"There is no bench {sorted(unknown)[0]!r}; choose from {known}.")
    return [bench for bench in there if bench.name in wanted]
