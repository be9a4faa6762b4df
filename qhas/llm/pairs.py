"""Simulated passes of language models, paired with what each runtime took on the device."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from qhas.llm.measured import Simulated, known, measured_of
from qhas.truth.tables import device_of

RUNTIMES = ("genie", "geniex_qairt")


class Pair(NamedTuple):
    """Simulated and measured tokens a second in decode, or milliseconds to the first token in prefill.

    The measured figure is the median over the models of the architecture.
    """

    made: Simulated
    device: str
    runtime: str
    simulated: float
    measured: float

    @property
    def ratio(self) -> float:
        """Measured over simulated."""
        return self.measured / self.simulated

    @property
    def pass_ms(self) -> tuple[float, float]:
        """Simulated and measured milliseconds of a pass."""
        if self.made.tokens > 1:
            return self.simulated, self.measured
        return 1000 / self.simulated, 1000 / self.measured


def pairs(made: Iterable[Simulated], *, prefill: bool) -> list[Pair]:
    """Pair every simulated figure of decode, or of prefill, with what each runtime took."""
    return [pair for each in made if (each.tokens > 1) is prefill for pair in _pairs(each)]


def _pairs(made: Simulated) -> Iterable[Pair]:
    device = device_of(made.soc)
    measurements = measured_of(known()[made.architecture].models, device, made.context)
    for runtime in RUNTIMES:
        of_runtime = [each for each in measurements if each.runtime == runtime]
        values = (
            [each.first_token_ms for each in of_runtime if each.first_token_ms]
            if made.tokens > 1
            else [each.decode_tokens_per_s for each in of_runtime]
        )
        simulated = made.time_us / 1000 if made.tokens > 1 else 1e6 / made.time_us
        if device and values:
            yield Pair(made, device.title, runtime, simulated, median(values))
