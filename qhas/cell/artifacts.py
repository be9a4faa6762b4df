"""Every file a cell may leave, declared once: who makes it, when it is required, how it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from qhas.failures import FailureKind, Step
from qhas.sweep.spec import TraceFeatures

TRACE = "chrometrace.json"
TIMELINE = "timeline.json"
_STEM = TRACE.removesuffix(".json")
QHAS = f"{_STEM}_qnn_htp_analysis_summary.json"
RUNTRACE = f"{_STEM}_runtrace.json"


class Retention(StrEnum):
    """How long an artifact is worth its space."""

    EVER = "ever"
    """Small, and the base of every comparison."""
    TRACE = "trace"
    """Large; kept for a while, longer when something links to it."""
    REPLAY = "replay"
    """Lets post-processing run again without a device; worthless without its SDK."""


def _always(_: TraceFeatures) -> bool:
    return True


def _never(_: TraceFeatures) -> bool:
    return False


@dataclass(frozen=True)
class ArtifactSpec:
    """An expected file.

    `pattern` is a glob in the step's working directory. `required` decides from the trace features whether its
    absence fails the step; `absent` is then the kind of failure. `compress` stores it with gzip.
    """

    name: str
    step: Step
    pattern: str
    required: Callable[[TraceFeatures], bool]
    retention: Retention
    compress: bool = False
    absent: FailureKind = FailureKind.TRACE_MISSING


ARTIFACTS = (
    ArtifactSpec(
        "schematic",
        Step.PREPARE,
        "*_schematic.bin",
        _always,
        Retention.REPLAY,
        True,
        FailureKind.SCHEMATIC_MISSING,
    ),
    ArtifactSpec("diag_log", Step.LATENCY, "SNPEDiag*.log", _never, Retention.REPLAY, True),
    ArtifactSpec("latency_samples", Step.LATENCY, "latency.csv", _never, Retention.EVER),
    ArtifactSpec("device_log", Step.NET_RUN, "device.log", _never, Retention.REPLAY, True),
    ArtifactSpec(
        "log", Step.LOGS, "qnn-profiling-data*.log", _always, Retention.REPLAY, True, FailureKind.LOG_MISSING
    ),
    # Outputs of the first inference: what a cell computed can be checked, not only how fast.
    ArtifactSpec("output_tensor", Step.LOGS, "Result_0/**/*.raw", _never, Retention.REPLAY, True),
    ArtifactSpec("config", Step.CHROMETRACE, "config.json", _always, Retention.REPLAY),
    # What a later SDK's viewer adds; the names below count before this one.
    ArtifactSpec("viewer_file", Step.CHROMETRACE, f"{_STEM}_*", _never, Retention.TRACE, True),
    ArtifactSpec("chrometrace", Step.CHROMETRACE, TRACE, _always, Retention.TRACE, True),
    # Ours: the trace's picture, which outlives it.
    ArtifactSpec("timeline", Step.CHROMETRACE, TIMELINE, _never, Retention.EVER, True),
    ArtifactSpec(
        "qhas",
        Step.CHROMETRACE,
        QHAS,
        lambda features: features.qhas_json,
        Retention.EVER,
        True,
        FailureKind.QHAS_MISSING,
    ),
    # The vendor's viewers have always written the page; no document promises it.
    ArtifactSpec(
        "qhas_html", Step.CHROMETRACE, f"{_STEM}_qnn_htp_analysis_summary.html", _never, Retention.TRACE
    ),
    ArtifactSpec("qhas_schema", Step.CHROMETRACE, "qhas_schema.json", _never, Retention.EVER),
    ArtifactSpec("htp_graph", Step.CHROMETRACE, f"{_STEM}_htp.json", _never, Retention.TRACE, True),
    ArtifactSpec(
        "htp_graph_before", Step.CHROMETRACE, f"{_STEM}_htp_graph_before.json", _never, Retention.TRACE, True
    ),
    ArtifactSpec("runtrace", Step.CHROMETRACE, RUNTRACE, _never, Retention.EVER),
)


def expected_of(step: Step) -> list[ArtifactSpec]:
    """The files a step may leave."""
    return [spec for spec in ARTIFACTS if spec.step is step]
