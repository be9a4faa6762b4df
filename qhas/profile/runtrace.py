"""The runtrace: what the phases of every inference took, and at which clock.

Its events are in ticks of the device's 19.2 MHz timer; microseconds and gigahertz are the vendor's own, in their arguments.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

WHOLE = "QNN DSP Execute"
GRAPH = "Graph Execute"
_LARGEST = 64_000_000
_GZIP = b"\x1f\x8b"


class RuntraceInvalid(Exception):
    """The file is no runtrace. The message says where it breaks."""


@dataclass(frozen=True)
class Phase:
    """A phase of an inference: what it took in microseconds, and the clock of the core in it, in MHz."""

    name: str
    us: float
    clock_mhz: float


@dataclass(frozen=True)
class Inference:
    """One inference, its phases as the vendor names them and in the order in which they begin."""

    graph: str
    phases: tuple[Phase, ...]

    def phase(self, name: str) -> Phase | None:
        return next((phase for phase in self.phases if phase.name == name), None)


def read_runtrace(path: Path) -> list[Inference]:
    """The inferences in their order, the first one cold. Raises RuntraceInvalid."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as source:
            content = source.read(_LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise RuntraceInvalid(f"{path.name} cannot be read: {error}") from error
    if len(content) > _LARGEST:
        raise RuntraceInvalid(f"{path.name} is over {_LARGEST // 1_000_000} MB")
    try:
        document = orjson.loads(content)
        if document["header"]["artifact_type"] != "RUN_TRACE":
            raise ValueError("its artifact type is no RUN_TRACE")
        return list(_inferences(event for event in document["traceEvents"] if event["ph"] == "X"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuntraceInvalid(f"{path.name} is no runtrace: {error}") from error


def clock_mhz(inferences: list[Inference]) -> float | None:
    """The clock of the first inference, which is the one a chrometrace shows; None where it is not told."""
    phase = inferences[0].phase(GRAPH) if inferences else None
    return phase.clock_mhz if phase and phase.clock_mhz > 0 else None


def _inferences(events: Iterator[dict[str, Any]]) -> Iterator[Inference]:
    graph, phases = "", list[Phase]()
    for event in sorted(events, key=lambda event: float(event["ts"])):
        args, name = event["args"], str(event["name"])
        if phases and (name == WHOLE or any(phase.name == name for phase in phases)):
            yield Inference(graph, tuple(phases))
            phases = []
        graph = str(args["graph_name"])
        phases.append(
            Phase(name, float(args["summary_time_us"]), 1000 * float(args["summary_htp_frequency_ghz"]))
        )
    if phases:
        yield Inference(graph, tuple(phases))
