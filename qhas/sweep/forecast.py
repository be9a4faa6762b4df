"""How long a cell is expected to take."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

Seconds = Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class Forecast(NamedTuple):
    """Seconds that a cell is expected to take: its prepare on this host, and all of its work on a device."""

    prepare: Seconds = 60.0
    device: Seconds = 60.0
    """Without history: staging, warm-ups, thirty repetitions and one profiled run."""


SIMULATED = Forecast(prepare=2.5, device=1.0)
"""Of a cell that is simulated on this host, without history: there is nothing to stage and nothing to repeat."""
