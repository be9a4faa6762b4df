"""What the compiler is asked for, as it travels from a command line to the native job and into the timeline's label."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


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
