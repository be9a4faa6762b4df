"""What is judged of a cell, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qhas.runs.record import Origin
from qhas.runs.rows import microseconds, size
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


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _bytes(value: float) -> str:
    return size(int(value))


FACTS: dict[Metric, MetricFacts] = {
    Metric.LATENCY: MetricFacts("latency", frozenset({Origin.DEVICE}), microseconds, noisy=True),
    Metric.TIME: MetricFacts("estimated time", _SIMULATED, microseconds),
    Metric.CYCLES: MetricFacts("simulated cycles", _SIMULATED, _count),
    Metric.REFERENCE_OPS: MetricFacts("reference ops", _BOTH, _count),
    Metric.FORMAT_CHANGES: MetricFacts("format changes", _BOTH, _count),
    Metric.DRAM_READ: MetricFacts("DRAM read", _BOTH, _bytes),
    Metric.DRAM_WRITE: MetricFacts("DRAM written", _BOTH, _bytes),
    Metric.PEAK_VTCM: MetricFacts("peak VTCM", _BOTH, _bytes, None),
    Metric.QNN_NODES: MetricFacts("QNN nodes", _BOTH, _count, None),
    Metric.HTP_NODES: MetricFacts("HTP nodes", _BOTH, _count, None),
}
