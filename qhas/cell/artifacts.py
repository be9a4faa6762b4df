"""Every file a cell may leave, declared once: which step writes it, when it is required, how it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from qhas.failures import FailureKind, Step
from qhas.sweep.spec import TraceFeatures

PREPARED_DLC = "prepared.dlc"
"""Name of a DLC with a cache record: in the store, in its step's directory, and on the device."""
SCHEMATIC = "*_schematic.bin"
DIAGNOSTICS = "SNPEDiag*.log"
SAMPLES = "latency.csv"
DEVICE_LOG = "device.log"
PROFILING_LOG = "qnn-profiling-data*.log"
CONFIG = "config.json"
NETWORK = "network.json"
SOURCES = "sources.json"
TRACE = "chrometrace.json"
TIMELINE = "timeline.json"
_STEM = TRACE.removesuffix(".json")
EXPLANATION = "explanation.json"
QHAS = f"{_STEM}_qnn_htp_analysis_summary.json"
RUNTRACE = f"{_STEM}_runtrace.json"


class Retention(StrEnum):
    """How long an artifact is worth its space."""

    EVER = "ever"
    """Small, and the basis of every comparison."""
    TRACE = "trace"
    """Large; kept for a while, longer when something links to it."""
    REPLAY = "replay"
    """Lets post-processing run again without a device; worthless without its SDK."""


class Whole(StrEnum):
    """How a file is known to be complete. A file not known to be complete is kept as `UNFINISHED`."""

    BY_TOOL = "by tool"
    """Its tool succeeded, and the disk had room until the end."""
    READ = "read"
    """Its tool succeeded, and the file has been read to its end."""
    RENAMED = "renamed"
    """It is written, or copied from a device, under another name until it is complete."""


UNFINISHED = "unfinished"
"""Name of an artifact that may be truncated, and of the folder that it is stored in."""


def _always(_: TraceFeatures) -> bool:
    return True


def _never(_: TraceFeatures) -> bool:
    return False


@dataclass(frozen=True)
class ArtifactSpec:
    """An expected file.

    `pattern` is a glob in the step's working directory. `required` decides from the trace features whether its absence
    fails the step; `absent` is then the kind of failure. `whole` says how the file is known to be complete. `compress`
    stores it with gzip.
    """

    name: str
    step: Step
    pattern: str
    required: Callable[[TraceFeatures], bool]
    retention: Retention
    whole: Whole = field(default=Whole.BY_TOOL, kw_only=True)
    compress: bool = field(default=False, kw_only=True)
    absent: FailureKind = field(default=FailureKind.TRACE_MISSING, kw_only=True)


ARTIFACTS = (
    ArtifactSpec(
        "schematic",
        Step.PREPARE,
        SCHEMATIC,
        _always,
        Retention.REPLAY,
        compress=True,
        absent=FailureKind.SCHEMATIC_MISSING,
    ),
    # Ours: the network as the DLC describes it, so that two cells can be compared by what they ran.
    ArtifactSpec(
        "network", Step.PREPARE, NETWORK, _never, Retention.EVER, whole=Whole.RENAMED, compress=True
    ),
    # Ours: which nodes of the ONNX the DLC's ops come from, and what the exporter says about their source.
    ArtifactSpec(
        "sources", Step.PREPARE, SOURCES, _never, Retention.EVER, whole=Whole.RENAMED, compress=True
    ),
    ArtifactSpec(
        "diag_log",
        Step.LATENCY,
        DIAGNOSTICS,
        _never,
        Retention.REPLAY,
        whole=Whole.RENAMED,
        compress=True,
    ),
    ArtifactSpec("latency_samples", Step.LATENCY, SAMPLES, _never, Retention.EVER, whole=Whole.READ),
    ArtifactSpec(
        "device_log",
        Step.NET_RUN,
        DEVICE_LOG,
        _never,
        Retention.REPLAY,
        whole=Whole.RENAMED,
        compress=True,
    ),
    ArtifactSpec(
        "log",
        Step.LOGS,
        PROFILING_LOG,
        _always,
        Retention.REPLAY,
        whole=Whole.RENAMED,
        compress=True,
        absent=FailureKind.LOG_MISSING,
    ),
    # Outputs of the first inference, so that the results of a cell can be checked as well as its speed.
    ArtifactSpec(
        "output_tensor",
        Step.LOGS,
        "Result_0/**/*.raw",
        _never,
        Retention.REPLAY,
        whole=Whole.RENAMED,
        compress=True,
    ),
    ArtifactSpec("config", Step.CHROMETRACE, CONFIG, _always, Retention.REPLAY, whole=Whole.RENAMED),
    # Files that a later SDK's viewer adds; the patterns below take precedence over this one.
    ArtifactSpec("viewer_file", Step.CHROMETRACE, f"{_STEM}_*", _never, Retention.TRACE, compress=True),
    ArtifactSpec(
        "chrometrace", Step.CHROMETRACE, TRACE, _always, Retention.TRACE, whole=Whole.READ, compress=True
    ),
    # Ours: a picture of the trace, which is kept longer than the trace itself.
    ArtifactSpec(
        "timeline",
        Step.CHROMETRACE,
        TIMELINE,
        _never,
        Retention.EVER,
        whole=Whole.RENAMED,
        compress=True,
    ),
    ArtifactSpec(
        "qhas",
        Step.CHROMETRACE,
        QHAS,
        lambda features: features.qhas_json,
        Retention.EVER,
        whole=Whole.READ,
        compress=True,
        absent=FailureKind.QHAS_MISSING,
    ),
    # The vendor's viewers have always written the page; no document promises it.
    ArtifactSpec(
        "qhas_html", Step.CHROMETRACE, f"{_STEM}_qnn_htp_analysis_summary.html", _never, Retention.TRACE
    ),
    ArtifactSpec("qhas_schema", Step.CHROMETRACE, "qhas_schema.json", _never, Retention.EVER),
    ArtifactSpec("htp_graph", Step.CHROMETRACE, f"{_STEM}_htp.json", _never, Retention.TRACE, compress=True),
    ArtifactSpec(
        "htp_graph_before",
        Step.CHROMETRACE,
        f"{_STEM}_htp_graph_before.json",
        _never,
        Retention.TRACE,
        compress=True,
    ),
    ArtifactSpec("runtrace", Step.CHROMETRACE, RUNTRACE, _never, Retention.EVER),
    # Ours, if the sweep requests it: what bounds the network, found by experiments on the simulator.
    ArtifactSpec(
        "explanation",
        Step.EXPLAIN,
        EXPLANATION,
        _never,
        Retention.EVER,
        whole=Whole.RENAMED,
        compress=True,
    ),
)


def expected_of(step: Step) -> list[ArtifactSpec]:
    """Return the files a step may leave."""
    return [spec for spec in ARTIFACTS if spec.step is step]
