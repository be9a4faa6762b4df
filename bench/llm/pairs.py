"""Simulated rates set against measured ones: which runtime is nearer, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from statistics import median
from typing import NamedTuple

from bench.truth.tables import Table
from qhas.llm.measured import Simulated, known, measured_of
from qhas.network.recipe import Attention
from qhas.truth.tables import device_of

NEAR = 0.25
LEAST = 4
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


def pairs(made: Iterable[Simulated], *, prefill: bool) -> list[Pair]:
    """Every simulated figure of decode, or of prefill, with what each runtime took."""
    return [pair for each in made if (each.tokens > 1) is prefill for pair in _pairs(each)]


def _pairs(made: Simulated) -> Iterable[Pair]:
    device = device_of(made.soc)
    found = measured_of(known()[made.architecture].models, device, made.context)
    for runtime in RUNTIMES:
        of_runtime = [each for each in found if each.runtime == runtime]
        values = (
            [each.first_token_ms for each in of_runtime if each.first_token_ms]
            if made.tokens > 1
            else [each.decode_tokens_per_s for each in of_runtime]
        )
        simulated = made.time_us / 1000 if made.tokens > 1 else 1e6 / made.time_us
        if device and values:
            yield Pair(made, device.title, runtime, simulated, median(values))


def every_pair(found: Sequence[Pair]) -> Table:
    """A row an architecture, device and form of attention."""
    rows = []
    for made in dict.fromkeys(pair.made for pair in found):
        of_made = [pair for pair in found if pair.made == made]
        by = {pair.runtime: pair for pair in of_made}
        nearest = nearer(of_made)
        rows.append(
            (
                made.architecture,
                of_made[0].device,
                made.attention,
                f"{made.context:,}",
                f"{nearest.simulated:.1f}",
                *(f"{by[name].measured:.1f}" if name in by else "–" for name in RUNTIMES),
                f"{nearest.simulated / nearest.measured - 1:+.0%}",
            )
        )
    titles = ("architecture", "device", "attention", "context", "simulated", *RUNTIMES, "off the nearer by")
    return Table(titles, rows)


def nearer(of_made: Sequence[Pair]) -> Pair:
    """The pair of the runtime that is nearer."""
    return min(of_made, key=lambda pair: max(pair.ratio, 1 / pair.ratio))


def near(found: Sequence[Pair]) -> tuple[int, int]:
    """How many simulated figures are within `NEAR` of the nearer runtime, and of how many."""
    nearest = [
        nearer([pair for pair in found if pair.made == made])
        for made in dict.fromkeys(pair.made for pair in found)
    ]
    return sum(abs(each.simulated / each.measured - 1) <= NEAR for each in nearest), len(nearest)


def by_runtime(found: Sequence[Pair]) -> Table:
    """Rank correlation and ratio of each form of attention and runtime, over all devices; none of fewer than `LEAST` pairs."""
    import numpy as np

    from qhas.truth.fit import spearman

    rows = []
    for attention, runtime in product(Attention, RUNTIMES):
        own = [pair for pair in found if (pair.made.attention, pair.runtime) == (attention, runtime)]
        if len(own) < LEAST:
            continue
        ratios, simulated, measured = (
            np.array([getattr(pair, name) for pair in own]) for name in ("ratio", "simulated", "measured")
        )
        low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
        rank = f"{spearman(simulated, measured):.2f}"
        rows.append((attention, runtime, str(len(own)), rank, f"{middle:.2f}", f"{low:.2f} to {high:.2f}"))
    titles = ("attention", "runtime", "pairs", "rank correlation", "measured / simulated", "10 to 90 %")
    return Table(titles, rows)
