"""`python -m bench [NAME ...]`: measure, print tables, write JSON. docs/benchmarks.md says how it is measured."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from rich.console import Console

from bench.failure import BenchFailed
from bench.machine import machine
from bench.registry import BENCHES, OWN_WORDS, STUDIES, Bench, NoSuchBench, chosen
from bench.size import Size

_WIDTH = 160
"""The columns of output that is not a terminal, such as a file."""


def main(argv: Sequence[str]) -> int:
    """Return 0 with all figures, 1 with a sentence for each bench without figures, 2 for a name that no bench has."""
    if argv[:1] and argv[0] in OWN_WORDS:
        command: Callable[[Sequence[str]], int] = import_module(f"bench.{argv[0]}.command").main
        return command(argv[1:])
    given = _parse(argv)
    to_errors = given.json == "-"
    wide = None if (sys.stderr if to_errors else sys.stdout).isatty() else _WIDTH
    console = Console(stderr=to_errors, highlight=False, width=wide)
    if given.list:
        for bench in (*BENCHES, *STUDIES):
            console.print(f"{bench.name:14}{bench.sentence}")
        for word, sentence in OWN_WORDS.items():
            console.print(f"{word:14}{sentence}; `{word} --help`")
        return 0
    try:
        benches = chosen(given.names)
    except NoSuchBench as error:
        print(error, file=sys.stderr)
        return 2
    results: dict[str, object] = {"machine": machine(), "size": given.size}
    missing = [bench.name for bench in benches if not _measure(bench, given.size, console, results)]
    _write(results, given.json, console)
    return 1 if missing else 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="benches and studies to run; default: all benches"
    )
    parser.add_argument(
        "--list", action="store_true", help="list the benches and studies with what they measure"
    )
    sizes = parser.add_mutually_exclusive_group()
    for size in (Size.QUICK, Size.FULL):
        sizes.add_argument(f"--{size}", dest="size", action="store_const", const=size, default=Size.NORMAL)
    parser.add_argument(
        "--json", default="bench-results.json", metavar="FILE", help="- means standard output"
    )
    return parser.parse_args(argv)


def _measure(bench: Bench, size: Size, console: Console, results: dict[str, object]) -> bool:
    """Run a bench; return whether there are figures. A bench without figures must not cost those of the others."""
    console.rule(f"{bench.name}: {bench.sentence}")
    try:
        with tempfile.TemporaryDirectory(prefix="qhas-bench-") as scratch:
            results[bench.name] = bench(Path(scratch), size, console)
    except BenchFailed as error:
        print(f"No figures of {bench.name}: {error}", file=sys.stderr)
        return False
    return True


def _write(results: dict[str, object], target: str, console: Console) -> None:
    content = json.dumps(results, indent=2)
    if target == "-":
        print(content)
        return
    path = Path(target)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)
    console.print(f"All figures: {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
