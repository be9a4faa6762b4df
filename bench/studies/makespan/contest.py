"""Run the contenders on the same rack, one after another, and print the table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.cases import fake_networks
from bench.failure import BenchFailed
from bench.fresh import in_a_fresh_process
from bench.job import Job
from bench.outcome import published_outcome
from bench.server import Server, prefect_server
from bench.size import Size
from bench.studies.makespan.rack import Rack, rack_of
from bench.studies.makespan.sizes import drawn_sizes
from bench.studies.makespan.snakemake import PROGRAM_VARIABLE, SnakemakeMissing, obtain
from bench.studies.makespan.timeline import Timeline, in_use, timeline
from bench.trace_file import check_trace
from bench.usage import machine_cpu
from fakes.sdk import Tool, build_fake_sdk, order, read_calls
from qhas.cell.artifacts import TRACE
from qhas.machine.shared_directory import DIRECTORY_VARIABLE
from qhas.profile.trace import TraceFacts, TraceInvalid

_SEED = 1
_PARTS = 10


class Contender(StrEnum):
    """Ways to run a rack's cells through to their traces, in the order in which they are measured."""

    FIRST = "ours, first nightly"
    """Nothing is known about how long a cell takes except the sizes of the networks."""
    SECOND = "ours, second nightly"
    """With the durations that the first one recorded; nothing is prepared yet, as after a new build of the SDK."""
    XARGS = "xargs -P"
    SNAKEMAKE = "snakemake"
    STAGES = "Prefect, by stages"


_MODULES = MappingProxyType(
    {
        Contender.FIRST: "ours",
        Contender.SECOND: "ours",
        Contender.XARGS: "xargs",
        Contender.SNAKEMAKE: "snakemake",
        Contender.STAGES: "stages",
    }
)


@dataclass(frozen=True)
class Case:
    """A rack, named after its scarce resource."""

    name: str
    rack: Rack


@dataclass(frozen=True)
class Run:
    """A contender's result on a rack. Ratios are to lower bounds."""

    contender: Contender
    ratio: float
    """Makespan over the bound computed from the ordered durations."""
    ratio_with_own: float
    """The same, with every tool longer by `tools_own`, the mean time that its calls took beyond their orders."""
    wall: float
    """Seconds of the contender's process, from having its job to its end."""
    around: float
    """The part of `wall` before the first tool and after the last."""
    timeline: Timeline
    cpu_idle: float
    """Share of the time of the machine's cores that neither the contender nor anything else on the machine used."""
    host_in_use: list[float]
    """Mean number of tools running on the host, in each tenth of the makespan."""
    devices_in_use: list[float]
    """Mean number of devices in use, in each tenth of the makespan."""


class TracesDiffer(BenchFailed):
    """A contender left fewer traces than cells, or traces that differ from the first one's. The message says which."""


def measure(folder: Path, size: Size, console: Console) -> object:
    """Measure every contender on every rack and print the tables.

    Raises ContenderFailed, ServerFailed, TimelineInvalid and TracesDiffer.
    """
    left_out: dict[str, str] = {}
    environment = {DIRECTORY_VARIABLE: str(folder / "leases")}
    try:
        program, version = obtain(folder)
        environment[PROGRAM_VARIABLE] = str(program)
    except SnakemakeMissing as reason:
        version, left_out[Contender.SNAKEMAKE] = "", str(reason)
        console.print(f"Snakemake is left out: {reason}")
    contenders = [contender for contender in Contender if contender not in left_out]
    results = []
    with prefect_server(folder) as server:
        server.settle()
        for number, case in enumerate(_cases(size)):
            place = folder / f"case{number}"
            runs = list(_contest(case, contenders, place, server, environment))
            console.print(_table(case, runs))
            results.append({**_facts(case), "runs": [asdict(run) for run in runs]})
    return {"cases": results, "snakemake": version, "left_out": left_out}


def _cases(size: Size) -> Iterator[Case]:
    """Yield the racks to measure.

    Their bounds are long compared with the start of a tool, and short enough for every contender to finish in six
    minutes.
    """
    if size is Size.QUICK:
        yield Case("host slots are scarce", rack_of(_SEED, 6, slots=4).scaled_to(15))
        return
    yield Case("host slots are scarce", rack_of(_SEED, 24, slots=8).scaled_to(180))
    if size is Size.FULL:
        yield Case("devices are scarce", rack_of(_SEED, 24, slots=64, devices=1).scaled_to(180))


def _facts(case: Case) -> dict[str, object]:
    return {
        "name": case.name,
        "cells": len(case.rack.cells),
        "host_slots": case.rack.slots,
        "devices_of_each_soc": case.rack.devices,
        "lower_bound_seconds": case.rack.lower_bound(),
        "tool_seconds": {
            tool: sum(of[place] for of in case.rack.cells.values())
            for place, tool in enumerate(("prepare", "device", "viewer"))
        },
    }


def _contest(
    case: Case, contenders: list[Contender], folder: Path, server: Server, environment: Mapping[str, str]
) -> Iterator[Run]:
    folder.mkdir()
    sizes = drawn_sizes({key: of.prepare for key, of in case.rack.cells.items()}, _SEED)
    networks = tuple(
        replace(network, size=(sizes[network.name].bytes, sizes[network.name].ops))
        for network in fake_networks(folder / "networks", case.rack.networks)
    )
    expected: dict[str, TraceFacts] = {}
    history = ""
    for contender in contenders:
        name = contender.name.lower()
        sdk = build_fake_sdk(folder / f"sdk-{name}")
        order(sdk, waits=case.rack.waits())
        place = folder / name
        place.mkdir()
        job = Job(
            str(sdk),
            networks,
            case.rack.socs,
            str(place),
            case.rack.slots,
            case.rack.devices,
            history=history,
        )
        yield _run(contender, job, case.rack, {**server.environment, **environment})
        server.settle()
        left = _TRACES.get(contender, _plain_traces)(job)
        _require_same(contender, left, expected := expected or left, len(case.rack.cells))
        if contender is Contender.FIRST:
            history = str(place / "store")


def _run(contender: Contender, job: Job, rack: Rack, environment: Mapping[str, str]) -> Run:
    before, begin = machine_cpu(), time.monotonic()
    used = in_a_fresh_process(f"bench.studies.makespan.{_MODULES[contender]}", job, environment)
    busy, seconds = machine_cpu() - before, time.monotonic() - begin
    calls = read_calls(Path(job.sdk))
    found = timeline(calls, rack)
    return Run(
        contender,
        ratio=found.makespan / rack.lower_bound(),
        ratio_with_own=found.makespan / rack.longer_by(found.tools_own).lower_bound(),
        wall=used["wall"],
        around=used["wall"] - found.makespan,
        timeline=found,
        cpu_idle=max(0.0, 1 - busy / (seconds * (os.cpu_count() or 1))),
        host_in_use=in_use(calls, (Tool.PREPARE, Tool.VIEWER), _PARTS),
        devices_in_use=in_use(calls, (Tool.NET_RUN,), _PARTS),
    )


def _published_traces(job: Job) -> dict[str, TraceFacts]:
    return {key: of.trace for key, of in published_outcome(job).items()}


def _plain_traces(job: Job) -> dict[str, TraceFacts]:
    try:
        return {key: check_trace(Path(job.folder) / key / TRACE) for key in job.keys}
    except (OSError, TraceInvalid) as error:
        raise TracesDiffer(f"{job.folder}: {error}") from error


_TRACES: Mapping[Contender, Callable[[Job], dict[str, TraceFacts]]] = MappingProxyType(
    {Contender.FIRST: _published_traces, Contender.SECOND: _published_traces}
)


def _require_same(
    contender: Contender, left: dict[str, TraceFacts], expected: dict[str, TraceFacts], cells: int
) -> None:
    if len(left) != cells or left != expected:
        raise TracesDiffer(
            f"{contender} left {len(left)} traces for {cells} cells, or traces that differ from the first contender's"
        )


_COLUMNS: tuple[tuple[str, Callable[[Run], str]], ...] = (
    ("contender", lambda run: run.contender),
    ("makespan / bound", lambda run: f"{run.ratio:.2f}"),
    ("with tools' own", lambda run: f"{run.ratio_with_own:.2f}"),
    ("makespan, s", lambda run: f"{run.timeline.makespan:.1f}"),
    ("around, s", lambda run: f"{run.around:.1f}"),
    ("host idle", lambda run: f"{run.timeline.host_idle:.0%}"),
    ("devices idle", lambda run: f"{run.timeline.devices_idle:.0%}"),
    ("first run, s", lambda run: f"{run.timeline.first_run:.1f}"),
    ("after last run, s", lambda run: f"{run.timeline.after_last_run:.1f}"),
    ("tool's own, ms", lambda run: f"{run.timeline.tools_own * 1000:.0f}"),
    ("CPU idle", lambda run: f"{run.cpu_idle:.0%}"),
)


def _table(case: Case, runs: list[Run]) -> Table:
    rack = case.rack
    title = (
        f"{case.name}: {len(rack.cells)} cells, {rack.slots} host slots, {rack.devices} devices a SoC, "
        f"lower bound {rack.lower_bound():.1f} s"
    )
    shown = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for name, _ in _COLUMNS:
        shown.add_column(name, justify="left" if name == "contender" else "right")
    for run in runs:
        shown.add_row(*(cell(run) for _, cell in _COLUMNS))
    return shown
