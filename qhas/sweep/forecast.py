"""How long a cell is expected to take, before anything of its sweep has been measured."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from qhas.sweep.size import NetworkSize

MOST_SECONDS = 1e7
"""Upper limit of any duration: anyone who can write to a store may leave longer ones there."""
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]

_TYPICAL_OPS = 200
_TYPICAL = NetworkSize(20_000_000, _TYPICAL_OPS)
"""As large as EfficientNet-B0 in float."""
_OWN, _A_MEGABYTE, _AN_OP = 0.40, 0.011, 0.0019
"""Core seconds, fitted to 26 networks of 9 to 473 ops, float and 8-bit.

`python -m bench prepares` fits them, and reports the error.
"""
_FIXED = 0.75
"""Share of the time on a device that does not grow with the network. Assumed.

Staging, loading and thirty repetitions do grow.
"""


class Forecast(NamedTuple):
    """Expected seconds of a cell: prepare, all of its work on a device, and the viewer and accuracy on this host."""

    prepare: Seconds
    device: Seconds
    finish: Seconds = 0.0
    convert: Seconds = 0.0
    """Conversion from ONNX and quantisation, on this host: in a run, the first cell of a network does it for all."""

    def of_size(self, size: NetworkSize | None) -> Forecast:
        """Scale a forecast for a typical network to one of that size."""
        if size is None:
            return self
        share = host_prepare_seconds(size) / host_prepare_seconds(_TYPICAL)
        device = self.device * (_FIXED + (1 - _FIXED) * share)
        return Forecast(self.prepare * share, device, self.finish * share, self.convert * share)

    @property
    def own(self) -> float:
        """The seconds without the work that is done once for several cells."""
        return self.prepare + self.device + self.finish


NOTHING = Forecast(0.0, 0.0)
ON_DEVICE = Forecast(prepare=60.0, device=60.0, finish=2.0, convert=20.0)
"""A cell on a device, without history: staging, warm-ups, thirty repetitions and one profiled run."""
SIMULATED = Forecast(prepare=1.0, device=1.9, finish=0.4, convert=2.6)
"""A cell simulated on this host, without history: from the demo's six networks in 8 bits, by their sizes."""


def host_prepare_seconds(size: NetworkSize) -> float:
    """Return the CPU time that the host SDK's graph-prepare takes for a network of that size, with QHAS."""
    ops = _TYPICAL_OPS if size.ops is None else size.ops
    return _OWN + _A_MEGABYTE * size.bytes / 1e6 + _AN_OP * ops
