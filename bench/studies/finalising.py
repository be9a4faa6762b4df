"""`python -m bench.studies.finalising DLC SOC COUNT`: time the host SDK's library alone compiling a DLC COUNT times.

The simulator's trace is on, as for an estimate. The last line of output is a JSON object: wall-clock and CPU seconds in
which the library reads the network and finalises it, and the CPU seconds of `graphFinalize` alone. The network is read
anew each time, since a finalised graph cannot be finalised again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hostsdk import layout, socs
from hostsdk.compile_options import for_soc
from hostsdk.native.dlc_graphs import compose
from hostsdk.native.library import load
from hostsdk.native.prepare import graph_options
from hostsdk.native.profiling import ProfileLevel, open_profile
from hostsdk.native.session import LogLevel, open_session
from hostsdk.preparation import simulation_settings


def main(argv: Sequence[str]) -> None:
    """Compile the DLC and print the times. Raises `ToolError` if it cannot be compiled."""
    dlc, name, count = argv
    sdk, soc = layout.sdk(), socs.find(name, "SOC")
    libraries = load(sdk.wheel.directory, sdk.layout)
    wall = cpu = finalising = 0.0
    with TemporaryDirectory() as folder:
        settings = simulation_settings(soc, str(Path(folder, "trace.json")))
        options = graph_options(replace(for_soc(soc), finalize_settings=settings))
        for _ in range(int(count)):
            with ExitStack() as scope:
                session = scope.enter_context(open_session(libraries, soc.soc_model, _ignore))
                profile = scope.enter_context(open_profile(session, ProfileLevel.DETAILED, optrace=False))
                began, used = time.perf_counter(), time.process_time()
                composed = scope.enter_context(compose(session, Path(dlc), Path(folder)))
                read = time.process_time()
                for graph in composed.graph_names:
                    composed.finalize(graph, options, profile)
                wall += time.perf_counter() - began
                cpu += time.process_time() - used
                finalising += time.process_time() - read
    print(json.dumps({"wall": wall, "cpu": cpu, "finalising": finalising}))


def _ignore(_level: LogLevel, _text: str) -> None:
    """Discard the library's log: its errors are raised."""


if __name__ == "__main__":
    main(sys.argv[1:])
