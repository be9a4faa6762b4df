"""What the compiler is asked for, as it travels from a command line to the native job and into the timeline's label."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

TRACE_SETTING = "sim_trace_final"
"""The finaliser's setting that names the file of the simulator's trace."""


def trace_of(graph: str) -> str:
    """The file that the trace of a graph is moved to: the next graph's would take its place."""
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
        """The JSON form; `CompileOptions(**form)` reads it back."""
        return dataclasses.asdict(self)
