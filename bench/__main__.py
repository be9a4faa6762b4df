"""`python -m bench`: what a cell costs above its tools' own time. docs/benchmarks.md says how it is measured."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.cases import Case, CaseLeftOut, fixed_durations, process_starts, squeezenet
from bench.contest import AT_ONCE, ContenderFailed, rounds
from bench.figures import Contender, figures
from bench.machine import machine, sdk_version
from bench.outcome import OutcomeInvalid
from bench.server import Server, ServerFailed, prefect_server
from bench.table import table

console = Console()


def main(argv: Sequence[str]) -> int:
    """Exit code 0 with all figures, 1 with one sentence when a contender failed or did other work than the rest."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one case, fewer cells and rounds")
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"), metavar="FILE")
    chosen = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="qhas-bench-") as scratch:
            results = _measure(Path(scratch), chosen.quick)
    except (ContenderFailed, OutcomeInvalid, ServerFailed) as error:
        print(f"No figures: {error}", file=sys.stderr)
        return 1
    partial = chosen.json.with_name(f"{chosen.json.name}.partial")
    partial.write_text(json.dumps(results, indent=2), encoding="utf-8")
    partial.replace(chosen.json)
    console.print(f"All rounds, with minimum, median and maximum: {chosen.json}")
    return 0


def _measure(folder: Path, quick: bool) -> dict[str, object]:
    with prefect_server(folder) as server:
        server.settle()
        console.print(
            f"{AT_ONCE} tools at once. The Prefect server started in {server.start_up:.1f} s, counted nowhere below. "
            "Minimum/median/maximum over the rounds; milliseconds a cell where nothing else is said."
        )
        results = [_measure_case(case, server, folder) for case in _cases(folder, quick)]
    return {
        "machine": machine(),
        "tools_at_once": AT_ONCE,
        "prefect_server_start_up_seconds": server.start_up,
        "cases": results,
    }


def _cases(folder: Path, quick: bool) -> Iterator[Case]:
    if quick:
        yield process_starts(folder, networks=2, rounds=2)
        return
    yield process_starts(folder, networks=6, rounds=5)
    yield fixed_durations(folder, networks=3, rounds=3)
    try:
        yield squeezenet(folder, rounds=3)
    except CaseLeftOut as reason:
        console.print(f"The host SDK is left out: {reason}")


def _measure_case(case: Case, server: Server, folder: Path) -> dict[str, object]:
    title = f"{case.name}: {case.cells} cells, {case.rounds} rounds"
    with console.status(title):
        finished = list(rounds(case, server, folder))
    found = {
        contender: figures([one.measured for one in finished], contender, AT_ONCE) for contender in Contender
    }
    console.print(table(title, found))
    console.print(f"Load before the rounds: {', '.join(f'{one.load:.1f}' for one in finished)}.\n")
    return {
        "name": case.name,
        "what": case.sentence,
        "cells": case.cells,
        "sdk_version": sdk_version(case.sdk),
        "figures": {contender: asdict(of) for contender, of in found.items()},
        "rounds": [
            {"load": one.load, **{name: asdict(measured) for name, measured in one.measured.items()}}
            for one in finished
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
