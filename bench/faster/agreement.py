"""Where a network was measured in two forms: whether the simulator says of both which one is the faster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qhas.truth.tables import WHEEL, Device, Precision, Runtime, measured, pairs

_CHANNEL_FIRST = "nchw"


class Case(NamedTuple):
    """A network on a device; changes are from the first form to the second, as shares."""

    network: str
    device: str
    simulated: float
    measured: float

    @property
    def agrees(self) -> bool:
        """Whether both say faster, or both do not."""
        return (self.simulated < 0) == (self.measured < 0)


def precisions() -> Iterator[Case]:
    """From float to 8 bits, both as DLCs of AI Hub."""
    made = {
        (pair.network.name, pair.device, pair.precision): pair
        for pair in pairs()
        if pair.wheel == WHEEL and not pair.form and pair.runtime is Runtime.QNN_DLC
    }
    for (network, device, precision), pair in made.items():
        other = made.get((network, device, Precision.W8A8))
        if precision is Precision.FLOAT and other:
            simulated = other.simulated_ms / pair.simulated_ms - 1
            yield Case(network, device.title, simulated, other.measured_ms / pair.measured_ms - 1)


def layouts() -> Iterator[Case]:
    """From a channel-first input to a channel-last one, of float networks: ONNX Runtime takes the first, a DLC the second."""
    made: dict[tuple[str, Device], dict[str, float]] = {}
    for pair in pairs():
        if pair.wheel == WHEEL and pair.precision is Precision.FLOAT and pair.form in ("", _CHANNEL_FIRST):
            made.setdefault((pair.network.name, pair.device), {})[pair.form] = pair.simulated_ms
    for (network, device), simulated in made.items():
        latencies = measured(network, Precision.FLOAT)
        first = latencies.get((device.name, Runtime.ONNX))
        last = latencies.get((device.name, Runtime.QNN_DLC))
        if first and last and len(simulated) == 2:
            change = simulated[""] / simulated[_CHANNEL_FIRST] - 1
            yield Case(network, device.title, change, last.ms / first.ms - 1)
