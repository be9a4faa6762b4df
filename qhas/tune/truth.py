"""What is known of how true the simulator is, beside a figure of its own."""

from __future__ import annotations

from qhas.network.dlc import read_network
from qhas.truth.blind_spots import Seen, blind_spots
from qhas.truth.calibration import expectation
from qhas.truth.traits import Traits, traits_of
from qhas.tune.subject import Bench


def truth_of(bench: Bench, simulated_us: float) -> str:
    """What is known of how true the simulator is for the network on the SoC, without full stop."""
    try:
        traits = traits_of(read_network(bench.subject.dlc))
    except ValueError:
        traits = Traits()
    known = expectation(bench.subject.soc, simulated_us, traits.precision, traits.kind)
    spots = blind_spots(Seen(traits, simulated_us, None, {}))
    return "; ".join([known.sentence, *(spot.sentence for spot in spots)])
