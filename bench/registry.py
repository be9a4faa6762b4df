"""The benches by name. Each is imported when it is asked for: some need what others do not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.failure import BenchFailed
from bench.size import Size

Measure = Callable[[Path, Size, Console], Any]
"""Measure in an empty folder, print a table, and return what JSON can hold."""


class NoSuchBench(Exception):
    """A name that no bench has. The message gives those there are."""


@dataclass(frozen=True)
class Bench:
    """A module of `bench` and what its figures say. `measure` takes the module, which is imported by then."""

    name: str
    module: str
    sentence: str
    measure: Callable[[Any, Path, Size, Console], Any] = lambda module, *of: module.measure(*of)

    @property
    def there(self) -> bool:
        """Whether this checkout has it."""
        return find_spec(self.module) is not None

    def __call__(self, folder: Path, size: Size, console: Console) -> Any:
        return self.measure(import_module(self.module), folder, size, console)


_TRACES: dict[Size, dict[str, Any]] = {
    Size.QUICK: {"megabytes": (20,), "rounds": 1},
    Size.NORMAL: {},
    Size.FULL: {"megabytes": (50, 500, 2000)},
}
_STORAGE = {
    Size.QUICK: ("--megabytes", "50", "--files", "50", "--rounds", "1"),
    Size.NORMAL: ("--megabytes", "500", "--files", "500", "--rounds", "2"),
    Size.FULL: (),
}


def _traces(module: Any, _: Path, size: Size, console: Console) -> Any:
    try:
        found = module.run(module.Options(**_TRACES[size]))
    except module.TracesFailed as error:
        raise BenchFailed(str(error)) from error
    console.print(module.table(found), markup=False)
    return [asdict(one) for one in found]


def _storage(module: Any, folder: Path, size: Size, _: Console) -> Any:
    results = folder / "storage.json"
    try:
        module.main([*_STORAGE[size], "--json", str(results)])
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise BenchFailed(f"the object store or one of its clients: {error}") from error
    return json.loads(results.read_text(encoding="utf-8"))


BENCHES = (
    Bench("overhead", "bench.overhead", "what a cell costs above its tools' own time"),
    Bench(
        "makespan", "bench.makespan.contest", "how near a sweep on a rack comes to the shortest possible one"
    ),
    Bench("orchestrator", "bench.orchestrator.contest", "what Prefect costs a cell, by cells and database"),
    Bench("nightly", "bench.nightly", "a second nightly, which prepares nothing, against the first"),
    Bench(
        "resilience",
        "bench.resilience",
        "what a sweep loses when it is killed, and whether anything is wrong",
    ),
    Bench("report", "bench.report", "how long the report of a night takes, and how large its pages are"),
    Bench("causes", "bench.causes", "whether the diff names the true cause of known changes"),
    Bench("traces", "bench.traces", "checking traces against general parsers", _traces),
    Bench("storage", "bench.storage", "the store against other S3 clients", _storage),
    Bench("history", "bench.history", "three years of history in S3: asked, appended to, compacted"),
    Bench("verdicts", "bench.verdicts", "false alarms and changes found, on histories whose truth is known"),
)


def chosen(names: Iterable[str]) -> list[Bench]:
    """The benches of these names in the order of the table, all that are there for none. Raises NoSuchBench."""
    there = [bench for bench in BENCHES if bench.there]
    wanted = set(names)
    if unknown := wanted - {bench.name for bench in there}:
        known = ", ".join(bench.name for bench in there)
        raise NoSuchBench(f"There is no bench {sorted(unknown)[0]!r}; choose from {known}.")
    return [bench for bench in there if not wanted or bench.name in wanted]
