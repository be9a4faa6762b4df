"""The runtrace: the phases of every inference, in device ticks of 19.2 MHz."""

from collections.abc import Iterator
from typing import Any

from .op_trace import write
from .profile_log import TICKS_PER_US, Inference

_GHZ = 1.4
_PAUSE_US = 100


def runtrace(graph: str, inferences: tuple[Inference, ...]) -> str:
    """Return the run trace of all inferences, one after the other."""
    return write("RUN_TRACE", _events(graph, inferences))


def _events(graph: str, inferences: tuple[Inference, ...]) -> Iterator[dict[str, Any]]:
    begin = 0.0
    for inference in inferences:
        yield from _inference_events(graph, inference, begin)
        yield _metadata("thread_name", "Core 0 Execs", tid=0)
        yield _metadata("process_name", f"{graph} Runtraces")
        begin += inference.total_us + _PAUSE_US


def _inference_events(graph: str, inference: Inference, begin: float) -> Iterator[dict[str, Any]]:
    waiting = inference.total_us - inference.graph_us
    phases = (
        ("QNN DSP Execute", 0.0, float(inference.total_us)),
        ("VTCM Acquire", 0.02 * waiting, 0.3 * waiting),
        ("Resource Power On", 0.4 * waiting, 0.5 * waiting),
        ("Graph Execute", 0.95 * waiting, float(inference.graph_us)),
    )
    for name, offset, duration in phases:
        start, end = round((begin + offset) * TICKS_PER_US), round((begin + offset + duration) * TICKS_PER_US)
        args = {
            "graph_name": graph,
            "stat_start_ticks": start,
            "stat_end_ticks": end,
            "stat_start_cycles": round((begin + offset) * _GHZ * 1000),
            "stat_end_cycles": round((begin + offset + duration) * _GHZ * 1000),
            "summary_htp_frequency_ghz": _GHZ,
            "summary_inf/s": 1e6 / duration if duration else 0.0,
            "summary_time_us": duration,
        }
        yield {"name": name, "ph": "X", "tid": 0, "pid": 0, "ts": start, "dur": end - start, "args": args}


def _metadata(what: str, name: str, **thread: int) -> dict[str, Any]:
    return {"cat": "__metadata", "pid": 0, **thread, "ph": "M", "name": what, "args": {"name": name}}
