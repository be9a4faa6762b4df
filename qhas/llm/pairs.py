"""Simulated passes of language models with what each runtime took on the device."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple

from qhas.llm.measured import Simulated, known, measured_of
from qhas.truth.tables import device_of

RUNTIMES = ("genie", "geniex_qairt")


class Pair(NamedTuple):
    """Tokens a second in decode, milliseconds to the first token in prefill; the measured one is the median over models of the architecture."""

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
        """Milliseconds of a pass, simulated and measured."""
        if self.made.tokens > 1:
            return self.simulated, self.measured
        return 1000 / self.simulated, 1000 / self.measured


def pairs(made: Iterable[Simulated], *, prefill: bool) -> list[Pair]:
    """Every simulated figure of decode, or of prefill, with what each runtime took."""
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
