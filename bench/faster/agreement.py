"""Whether the simulator predicts which of two measured forms of a network is the faster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qhas.truth.tables import WHEEL, Device, Precision, Runtime, measured, pairs

_CHANNEL_FIRST = "nchw"


class Case(NamedTuple):
    """A network on a device, with its simulated and measured relative change from the first form to the second."""

    network: str
    device: str
    simulated: float
    measured: float

    @property
    def agrees(self) -> bool:
        """Whether simulation and measurement agree that the second form is the faster, or that it is not."""
        return (self.simulated < 0) == (self.measured < 0)


def precisions() -> Iterator[Case]:
    """Yield the changes from float to 8 bits, both as AI Hub's DLCs."""
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
    """Yield the changes from channel-first to channel-last input of float networks.

    ONNX Runtime uses the first, a DLC the second.
    """
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
