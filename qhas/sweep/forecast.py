"""How long a cell is expected to take, before anything of its sweep was measured."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from qhas.sweep.size import NetworkSize

MOST_SECONDS = 1e7
"""That anything takes: whoever may write to a store may leave other durations there."""
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]

_TYPICAL_OPS = 200
_TYPICAL = NetworkSize(20_000_000, _TYPICAL_OPS)
"""As EfficientNet-B0 in float."""
_OWN, _A_MEGABYTE, _AN_OP = 0.40, 0.011, 0.0019
"""Seconds of a core, fitted to 26 networks of 9 to 473 ops, float and 8 bit, by `python -m bench prepares`, which tells the error."""
_FIXED = 0.75
"""Of the time on a device: staging, loading and thirty repetitions grow with the network, the rest does not. Assumed."""


class Forecast(NamedTuple):
    """Seconds that a cell is expected to take: its prepare on this host, all of its work on a device, and the viewer on this host."""

    prepare: Seconds
    device: Seconds
    finish: Seconds = 0.0
    convert: Seconds = 0.0
    """Of its network, from ONNX and to fewer bits, on this host: in a run, the first cell of a network does it for all."""

    def of_size(self, size: NetworkSize | None) -> Forecast:
        """For a network of that size, where this is for a typical one."""
        if size is None:
            return self
        share = host_prepare_seconds(size) / host_prepare_seconds(_TYPICAL)
        device = self.device * (_FIXED + (1 - _FIXED) * share)
        return Forecast(self.prepare * share, device, self.finish * share, self.convert * share)

    @property
    def own(self) -> float:
        """Without what is done once for several cells."""
        return self.prepare + self.device + self.finish


NOTHING = Forecast(0.0, 0.0)
ON_DEVICE = Forecast(prepare=60.0, device=60.0, finish=2.0, convert=20.0)
"""Of a cell that runs on a device, without history: staging, warm-ups, thirty repetitions and one profiled run."""
SIMULATED = Forecast(prepare=1.0, device=1.9, finish=0.4, convert=2.6)
"""Of a cell that is simulated on this host, without history: the demo's six networks in 8 bits, by their sizes."""


def host_prepare_seconds(size: NetworkSize) -> float:
    """CPU time that graph-prepare of the host SDK takes for a network of that size, with QHAS."""
    ops = _TYPICAL_OPS if size.ops is None else size.ops
    return _OWN + _A_MEGABYTE * size.bytes / 1e6 + _AN_OP * ops
