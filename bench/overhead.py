"""What a cell costs beyond its tools' own time: flow and library compared with a plain script with the same tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from bench.cases import Case, CaseLeftOut, fixed_durations, process_starts, squeezenet
from bench.contest import AT_ONCE, rounds
from bench.figures import Contender, figures
from bench.machine import sdk_version
from bench.server import Server, prefect_server
from bench.size import Size
from bench.table import table


def measure(folder: Path, size: Size, console: Console) -> dict[str, object]:
    """Measure all cases. Raises ContenderFailed, OutcomeInvalid and ServerFailed."""
    with prefect_server(folder) as server:
        server.settle()
        console.print(
            f"{AT_ONCE} tools at once. The Prefect server started in {server.start_up:.1f} s, which is not included below. "
            "Minimum/median/maximum over the rounds; milliseconds per cell unless stated otherwise."
        )
        results = [_measure_case(case, server, folder, console) for case in _cases(folder, size, console)]
    return {
        "tools_at_once": AT_ONCE,
        "prefect_server_start_up_seconds": server.start_up,
        "cases": results,
    }


def _cases(folder: Path, size: Size, console: Console) -> Iterator[Case]:
    if size is Size.QUICK:
        yield process_starts(folder, networks=2, rounds=2)
        return
    yield process_starts(folder, networks=6, rounds=5)
    yield fixed_durations(folder, networks=3, rounds=3)
    try:
        yield squeezenet(folder, rounds=3)
    except CaseLeftOut as reason:
        console.print(f"The host SDK is left out: {reason}")


def _measure_case(case: Case, server: Server, folder: Path, console: Console) -> dict[str, object]:
    title = f"{case.name}: {case.cells} cells, {case.rounds} rounds"
    finished = list(rounds(case, server, folder))
    found = {
        contender: figures([round_.measured for round_ in finished], contender, AT_ONCE)
        for contender in Contender
    }
    console.print(table(title, found))
    console.print(f"Load before the rounds: {', '.join(f'{round_.load:.1f}' for round_ in finished)}.\n")
    return {
        "name": case.name,
        "what": case.sentence,
        "cells": case.cells,
        "sdk_version": sdk_version(case.sdk),
        "figures": {contender: asdict(of) for contender, of in found.items()},
        "rounds": [
            {"load": round_.load, **{name: asdict(measured) for name, measured in round_.measured.items()}}
            for round_ in finished
        ],
    }
