"""Compile networks in this process for the simulator's estimates: nothing is saved and nothing is executed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from hostsdk.compile_options import CompileOptions
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.dlc_graphs import ComposedDlc, compose
from hostsdk.native.library import Libraries, QnnError
from hostsdk.native.prepare import graph_options
from hostsdk.native.profiling import ProfileLevel, open_profile, read_events
from hostsdk.native.session import LogLevel, open_session
from hostsdk.preparation import simulation_settings
from hostsdk.socs import Soc
from hostsdk.viewer.schematic import Schematic, read_schematic
from hostsdk.viewer.timeline import Timeline, timeline_of

_TRACE = "estimate.json"


@dataclass(frozen=True)
class Estimated:
    """One graph's timeline, the size of all graphs' context binary, and the graph's schematic if requested."""

    timeline: Timeline
    context_bytes: int
    schematic: Schematic | None


def estimate(
    libraries: Libraries, dlc: Path, soc: Soc, options: CompileOptions, *, schematic: bool
) -> list[Estimated]:
    """Compile the DLC's graphs for a SoC and simulate them. Leaves no files behind.

    `options.finalize_settings` are added to those that make the simulator write its trace. Raises `ToolError`.
    """
    settings = simulation_settings(soc, _TRACE) | options.finalize_settings
    chosen = replace(options, finalize_settings=settings)
    try:
        with (
            _own_directory() as scratch,
            open_session(libraries, soc.soc_model, _ignore) as session,
            compose(session, dlc, scratch) as composed,
        ):
            simulated = [
                _simulated(composed, name, chosen, scratch, schematic) for name in composed.graph_names
            ]
            size = composed.binary_bytes()
    except QnnError as error:
        raise ToolError(ErrorCode.UNKNOWN, f"the HTP library failed: {error}.", "QNN") from error
    return [Estimated(timeline, size, described) for timeline, described in simulated]


def _simulated(
    dlc: ComposedDlc, graph: str, options: CompileOptions, scratch: Path, described: bool
) -> tuple[Timeline, Schematic | None]:
    with ExitStack() as scope:
        profile = scope.enter_context(open_profile(dlc.session, ProfileLevel.DETAILED, optrace=described))
        dlc.finalize(graph, graph_options(options), profile)
        values: dict[int, int] = {}
        for root in read_events(dlc.session, profile):
            for event, _ in root.walk():
                values.setdefault(event.type, event.value)
    trace = scratch / _TRACE
    if not trace.is_file():
        raise ToolError(
            ErrorCode.UNKNOWN, f"the simulator has no estimate of {graph} for this SoC.", "HTP Simulator"
        )
    timeline = timeline_of(graph, orjson.loads(trace.read_bytes()), values)
    trace.unlink()
    return timeline, read_schematic(scratch / f"{graph}_schematic.bin") if described else None


@contextmanager
def _own_directory() -> Iterator[Path]:
    """Work in a folder of this compilation's own: the libraries write into it, whatever path they are given."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="estimate-") as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def _ignore(_level: LogLevel, _text: str) -> None:
    """Discard the line: the libraries' complaints are part of the error that is raised."""
