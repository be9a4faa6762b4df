"""The runtrace (`<stem>_runtrace.json`): one bar per phase of an inference, in ticks of the 19.2 MHz device timer.

The simulator estimates the execution of the graph and nothing around it, so the file has the "Graph Execute" bar of
one inference, from tick 0, and none of the vendor's VTCM acquire, power-on and DSP bars.
"""

from __future__ import annotations

from typing import Any

from hostsdk.viewer.analysis import Analysis
from hostsdk.viewer.header import Artifact, header, provenance

_TICKS_PER_US = 19.2


def runtrace(analysis: Analysis) -> dict[str, Any]:
    """Build the whole document."""
    ticks = round(analysis.exact_us * _TICKS_PER_US)
    graph = analysis.timeline.graph
    execute = {
        "name": "Graph Execute",
        "ph": "X",
        "tid": 0,
        "pid": 0,
        "ts": 0,
        "dur": ticks,
        "args": {
            "graph_name": graph,
            "stat_start_ticks": 0,
            "stat_end_ticks": ticks,
            "stat_start_cycles": analysis.start,
            "stat_end_cycles": analysis.end,
            "summary_htp_frequency_ghz": analysis.timeline.core_mhz / 1000,
            "summary_inf/s": 1e6 / analysis.exact_us,
            "summary_time_us": analysis.exact_us,
        },
    }
    origin = provenance(analysis)
    return {
        "header": header(Artifact.RUN_TRACE, analysis),
        "traceEvents": [
            execute,
            _metadata({"tid": 0}, "thread_name", {"name": "Core 0 Execs"}),
            _metadata({}, "process_name", {"name": f"{graph} Runtraces"}),
            _metadata({}, "process_labels", {"labels": f"{origin['origin']} estimate, {origin['soc']}"}),
        ],
    }


def _metadata(thread: dict[str, int], name: str, args: dict[str, str]) -> dict[str, Any]:
    return {"cat": "__metadata", "pid": 0, **thread, "ph": "M", "name": name, "args": args}
