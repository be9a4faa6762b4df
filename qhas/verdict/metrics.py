"""What is judged of a cell, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qhas.runs.record import Origin
from qhas.units import count, microseconds, size
from qhas.verdict.model import Metric

_BOTH = frozenset(Origin)
_SIMULATED = frozenset({Origin.SIMULATOR})


class MetricFacts(NamedTuple):
    """A figure for people, the origins it is judged for, whether less of it is better, and whether it has noise.

    What has no noise is held against the run before, to the last digit. Simulated times are of that kind: compiler
    and simulator give the same cycles for the same input, so any difference is of network, options or SDK.
    """

    words: str
    origins: frozenset[Origin]
    text: Callable[[float], str]
    less_is_better: bool | None = True
    noisy: bool = False


FACTS: dict[Metric, MetricFacts] = {
    Metric.LATENCY: MetricFacts("latency", frozenset({Origin.DEVICE}), microseconds, noisy=True),
    Metric.TIME: MetricFacts("estimated time", _SIMULATED, microseconds),
    Metric.CYCLES: MetricFacts("simulated cycles", _SIMULATED, count),
    Metric.REFERENCE_OPS: MetricFacts("reference ops", _BOTH, count),
    Metric.FORMAT_CHANGES: MetricFacts("format changes", _BOTH, count),
    Metric.DRAM_READ: MetricFacts("DRAM read", _BOTH, size),
    Metric.DRAM_WRITE: MetricFacts("DRAM written", _BOTH, size),
    Metric.PEAK_VTCM: MetricFacts("peak VTCM", _BOTH, size, None),
    Metric.QNN_NODES: MetricFacts("QNN nodes", _BOTH, count, None),
    Metric.HTP_NODES: MetricFacts("HTP nodes", _BOTH, count, None),
}
