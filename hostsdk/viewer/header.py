"""The object every JSON file of the viewer begins with: tools recognise a file by its `artifact_type`.

In addition to the vendor's keys it has `provenance`, because the figures are a simulator's and a file travels alone:
`origin` is always there; `soc`, `estimate`, `statement` and more are as the host SDK recorded them in the log;
`in_force` says which VTCM size and threads the simulator had, `simulators_own` holds its lower and upper estimate in
cycles and the bytes it spills and fills, and `not_estimated` names the vendor's fields that hold 0 because the
simulator says nothing about them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from hostsdk.viewer.analysis import Analysis

_NOT_ESTIMATED = ("cycles_per_packet",)
_STATEMENT = "Estimated by a performance simulator, not measured on a device."


class Artifact(enum.StrEnum):
    """The vendor's names of the kinds of file."""

    OP_TRACE = "OP_TRACE"
    """The chrometrace: every op on every thread."""
    RUN_TRACE = "RUN_TRACE"
    """One bar per inference."""
    QHAS = "QHAS"
    """The summary."""
    HTP_GRAPH = "HTP_GRAPH"
    """The compiled graph."""


_VERSIONS: Mapping[Artifact, tuple[int, int, int]] = {
    Artifact.OP_TRACE: (1, 1, 0),
    Artifact.RUN_TRACE: (1, 1, 0),
    Artifact.QHAS: (1, 0, 0),
}


def header(artifact: Artifact, analysis: Analysis) -> dict[str, Any]:
    """Build the header with its keys in the vendor's order; HTP_GRAPH has no version of its own."""
    version = {"version": _semantic(*_VERSIONS[artifact])} if artifact in _VERSIONS else {}
    return {
        "header_version": _semantic(1, 0, 0),
        **version,
        "artifact_type": artifact.value,
        "provenance": provenance(analysis),
    }


def provenance(analysis: Analysis) -> dict[str, Any]:
    """Say where the figures come from. The host SDK's record takes precedence over the timeline's own facts."""
    timeline = analysis.timeline
    return {
        "origin": "simulator",
        "soc": str(timeline.configuration.get("soc_type", "unknown")).lower(),
        "statement": _STATEMENT,
        **timeline.provenance,
        "core_mhz": timeline.core_mhz,
        "in_force": _in_force(timeline.configuration),
        "ops_without_cost": timeline.ops_without_cost,
        "simulators_own": dict(timeline.own),
        "not_estimated": list(_NOT_ESTIMATED),
    }


def _in_force(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the simulator used: defaults differ from SDK to SDK and from SoC to SoC."""
    named = {"vtcm_bytes": "vtcm_size_in_bytes", "hvx_threads": "hvx_threads"}
    return {name: configuration[key] for name, key in named.items() if key in configuration}


def _semantic(major: int, minor: int, patch: int) -> dict[str, int]:
    return {"major": major, "minor": minor, "patch": patch}
