"""What a device is expected to deliver, given simulated figures of a language model; computed when it is shown.

It is derived from the shipped pairs as for networks (`qhas.truth`): a ratio, and an interval that holds about 80 % of
the pairs left out, whole architectures at a time. Runtimes are kept apart because they were measured to differ by up to
a factor of three, and so are forms of attention; devices are pooled because intervals from one device's few
architectures held too few of the pairs left out. Nothing here is stored, compared or judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from qhas.llm.measured import simulated
from qhas.llm.pairs import RUNTIMES, Pair, pairs
from qhas.network.recipe import Attention, Recipe
from qhas.profile.language import PassFigures
from qhas.truth.calibration import Unknown, figure
from qhas.truth.fit import LEAST, Calibration, calibrated
from qhas.truth.tables import device_of


class Key(NamedTuple):
    """What a calibration covers: 1 token is decode, more are a pass of prefill."""

    runtime: str
    attention: Attention
    tokens: int


class Known(NamedTuple):
    """A calibration in milliseconds per pass, and the devices and contexts of its pairs."""

    of: Calibration
    devices: frozenset[str]
    contexts: frozenset[int]


@dataclass(frozen=True)
class Expected:
    """A runtime's milliseconds for a pass, and the interval that holds about 80 % of architectures not seen before."""

    runtime: str
    ms: float
    low_ms: float
    high_ms: float
    decodes: bool
    device: str
    architectures: int
    """The number of architectures it is based on."""
    beyond: bool
    """Whether the model is faster or slower than all of them."""

    @property
    def values(self) -> tuple[float, float, float]:
        """The expected value and its interval: tokens a second in decode, else milliseconds to the first token."""
        if self.decodes:
            return 1000 / self.ms, 1000 / self.high_ms, 1000 / self.low_ms
        return self.ms, self.low_ms, self.high_ms

    @property
    def text(self) -> str:
        """The figure with its interval, as in `41.6 (30.2 to 57.1)`."""
        value, low, high = map(figure, self.values)
        return f"{value} ({low} to {high})"

    @property
    def unit(self) -> str:
        """The unit of `text`."""
        return "tokens/s" if self.decodes else "ms"

    @property
    def sentence(self) -> str:
        """In words, as in `41.6 (30.2 to 57.1) tokens/s expected on IQ-9075 by genie, from 9 architectures`."""
        text = f"{self.text} {self.unit} expected on {self.device} by {self.runtime}, from {self.architectures} architectures"
        return f"{text}, none of similar speed" if self.beyond else text

    @property
    def document(self) -> dict[str, Any]:
        """The expectation as plain data for programs."""
        value, low, high = (round(each, 3) for each in self.values)
        return {
            "figure": "decode_tokens_per_s" if self.decodes else "first_token_ms",
            "runtime": self.runtime,
            "expected": value,
            "low": low,
            "high": high,
            "device": self.device,
            "architectures": self.architectures,
            "beyond": self.beyond,
        }


def expectations(
    whole: PassFigures, soc: str, context: int, recipe: Recipe
) -> tuple[Expected, ...] | Unknown:
    """Return each runtime's expectation for a pass on the device with that SoC, or why there is none; never empty."""
    device, attention = device_of(soc), recipe.attention
    if device is None:
        return Unknown(f"no device was measured for {soc.upper()}")
    if device.refused:
        return Unknown(f"no expectation for {soc.upper()}: {device.refused}")
    if recipe != Recipe(attention=attention):
        return Unknown(
            f"no expectation: models were measured only as {Recipe().name}, with projections as MatMul"
        )
    keys = [Key(runtime, attention, whole.tokens) for runtime in RUNTIMES]
    if not (every := {key.runtime: known for key in keys if (known := calibrations().get(key))}):
        what = "decode" if whole.decodes else f"passes of {whole.tokens} tokens"
        return Unknown(
            f"fewer than {LEAST} architectures were measured and simulated in {what} with {attention} attention: no expectation"
        )
    fitting = {runtime: known for runtime, known in every.items() if device.title in known.devices}
    if not fitting:
        return Unknown(f"no language model was measured on {device.title}: no expectation")
    contexts = frozenset[int]().union(*(known.contexts for known in fitting.values()))
    if context not in contexts:
        listed = " and ".join(f"{each:,}" for each in sorted(contexts))
        return Unknown(f"no expectation: models were measured at context {listed}")
    return tuple(_expected(whole, device.title, runtime, known.of) for runtime, known in fitting.items())


def _expected(whole: PassFigures, device: str, runtime: str, made: Calibration) -> Expected:
    simulated_ms = whole.time_us / 1000
    ms = made.expected_ms(simulated_ms)
    return Expected(
        runtime=runtime,
        ms=ms,
        low_ms=ms / made.spread,
        high_ms=ms * made.spread,
        decodes=whole.decodes,
        device=device,
        architectures=made.families,
        beyond=not made.least_ms <= simulated_ms <= made.most_ms,
    )


@cache
def calibrations() -> dict[Key, Known]:
    """Return the calibrations of the shipped figures."""
    return calibrations_of([*pairs(simulated(), prefill=False), *pairs(simulated(), prefill=True)])


def calibrations_of(chosen: Sequence[Pair]) -> dict[Key, Known]:
    """Return a calibration for every runtime, form of attention and pass with at least `LEAST` architectures."""
    groups = {
        key: [pair for pair in chosen if key_of(pair) == key] for key in sorted(set(map(key_of, chosen)))
    }
    return {
        key: known_of(own)
        for key, own in groups.items()
        if len({pair.made.architecture for pair in own}) >= LEAST
    }


def known_of(own: Sequence[Pair]) -> Known:
    """Return the calibration of pairs with the same key, however few."""
    import numpy as np

    times = np.array([pair.pass_ms for pair in own])
    names = np.array([pair.made.architecture for pair in own])
    return Known(
        calibrated(times[:, 0], times[:, 1], names, constant=0.0),
        frozenset(pair.device for pair in own),
        frozenset(pair.made.context for pair in own),
    )


def key_of(pair: Pair) -> Key:
    """Return the key of the calibration that the pair counts towards."""
    return Key(pair.runtime, Attention(pair.made.attention), pair.made.tokens)
