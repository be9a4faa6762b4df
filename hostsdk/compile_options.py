"""The compiler's options, as they travel from a command line to the native job and into the timeline's label."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.socs import Soc

TRACE_SETTING = "sim_trace_final"
"""The finaliser's setting that names the file of the simulator's trace."""


def for_soc(
    soc: Soc,
    optimization_level: int = 2,
    vtcm_mb: int | None = None,
    hvx_threads: int | None = None,
    dlbc: bool = False,
) -> CompileOptions:
    """Build options from those of a command line, where 0 MB of VTCM means all that the SoC has.

    Raises `ToolError` (INVALID_PARAMETER) for more than the SoC has.
    """
    if vtcm_mb and soc.vtcm_mb and vtcm_mb > soc.vtcm_mb:
        raise _invalid(f"--vtcm_override={vtcm_mb}: {soc.name} has {soc.vtcm_mb} MB of VTCM")
    if hvx_threads and soc.hvx_threads and hvx_threads > soc.hvx_threads:
        raise _invalid(f"--num_hvx_threads={hvx_threads}: {soc.name} has {soc.hvx_threads} HVX threads")
    return CompileOptions(
        optimization_level=optimization_level,
        vtcm_mb=soc.vtcm_mb if vtcm_mb == 0 else vtcm_mb,
        hvx_threads=hvx_threads,
        dlbc=dlbc,
    )


def _invalid(reason: str) -> ToolError:
    return ToolError(ErrorCode.INVALID_PARAMETER, f"{reason}.", "HTP Offline Prepare")


def trace_of(graph: str) -> str:
    """Return the file that the trace of a graph is moved to, since the next graph's would overwrite it."""
    return f"{graph}_estimate.json"


@dataclass(frozen=True)
class CompileOptions:
    """One graph's options; None leaves the choice to the compiler. `finalize_settings` are named finaliser settings."""

    optimization_level: int = 2
    vtcm_mb: int | None = None
    hvx_threads: int | None = None
    dlbc: bool = False
    finalize_settings: dict[str, int | float | str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; `CompileOptions(**form)` reads it back."""
        return dataclasses.asdict(self)
