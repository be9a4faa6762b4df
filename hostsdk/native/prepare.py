"""Job: compile a DLC's graphs for one SoC and save the DLC with its cache record.

Request: library_dir, layout, dlc, soc_model, options (`CompileOptions`), profile (bool: record events and write the
schematic into the working directory), output. Result: build_id, graphs (each with name, start_us, stop_us, events).
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from hostsdk.compile_options import TRACE_SETTING, CompileOptions, trace_of
from hostsdk.native.dlc_graphs import ComposedDlc, compose
from hostsdk.native.graph_options import GraphOptions, Optimization
from hostsdk.native.job import Reply
from hostsdk.native.library import asked_for
from hostsdk.native.profiling import ProfileLevel, open_profile, read_events
from hostsdk.native.session import open_session


def graph_options(options: CompileOptions) -> GraphOptions:
    """Convert `options` to the compiler's form."""
    chosen = GraphOptions()
    chosen.optimization(Optimization.FINALIZE_FLAG, float(options.optimization_level))
    if options.vtcm_mb is not None:
        chosen.vtcm_mb(options.vtcm_mb)
    if options.hvx_threads is not None:
        chosen.hvx_threads(options.hvx_threads)
    if options.dlbc:
        chosen.optimization(Optimization.ENABLE_DLBC, 1.0)
    for key, value in options.finalize_settings.items():
        chosen.finalize_setting(key, value)
    return chosen


def prepare(request: dict[str, Any], reply: Reply) -> None:
    """Run the job."""
    options = CompileOptions(**request["options"])
    with (
        open_session(asked_for(request), request["soc_model"], reply.log) as session,
        compose(session, Path(request["dlc"]), Path.cwd()) as dlc,
    ):
        graphs = []
        for name in dlc.graph_names:
            graphs.append(_finalize(dlc, name, options, profiled=request["profile"]))
            if trace := options.finalize_settings.get(TRACE_SETTING):
                with suppress(FileNotFoundError):
                    Path(str(trace)).rename(trace_of(name))  # or the next graph's would replace it
        dlc.save(Path(request["output"]))
        reply.result(build_id=session.build_id(), graphs=graphs)


def _finalize(dlc: ComposedDlc, name: str, options: CompileOptions, *, profiled: bool) -> dict[str, Any]:
    with ExitStack() as scope:
        profile = None
        if profiled:
            profile = scope.enter_context(open_profile(dlc.session, ProfileLevel.DETAILED, optrace=True))
        start = time.time_ns()
        dlc.finalize(name, graph_options(options), profile)
        stop = time.time_ns()
        events = read_events(dlc.session, profile) if profile else ()
    return {
        "name": name,
        "start_us": start // 1000,
        "stop_us": stop // 1000,
        "events": [event.to_json() for event in events],
    }
