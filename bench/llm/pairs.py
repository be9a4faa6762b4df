"""Simulated rates compared with measured ones: which runtime is nearer, and how far off it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from bench.truth.tables import Table
from qhas.llm.expected import Key, calibrations_of, key_of, known_of
from qhas.llm.pairs import RUNTIMES, Pair
from qhas.network.recipe import Attention

NEAR = 0.25
LEAST = 4


def every_pair(found: Sequence[Pair]) -> Table:
    """Return a table with a row per architecture, device and form of attention."""
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
    """Return the pair of the nearer runtime."""
    return min(of_made, key=lambda pair: max(pair.ratio, 1 / pair.ratio))


def near(found: Sequence[Pair]) -> tuple[int, int]:
    """Return how many simulated figures are within `NEAR` of the nearer runtime, and how many there are."""
    nearest = [
        nearer([pair for pair in found if pair.made == made])
        for made in dict.fromkeys(pair.made for pair in found)
    ]
    return sum(abs(each.simulated / each.measured - 1) <= NEAR for each in nearest), len(nearest)


def by_runtime(found: Sequence[Pair]) -> Table:
    """Return the rank correlation and ratio of each form of attention and runtime, over all devices.

    Those with fewer than `LEAST` pairs are left out.
    """
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


def calibrated(found: Sequence[Pair]) -> Table:
    """Return a row per printed expectation; its interval's coverage and its error are for architectures left out."""
    rows = []
    for key, known in calibrations_of(found).items():
        of, far = known.of, len([*_outside(found, key)])
        ratio = of.slope if key.tokens > 1 else 1 / of.slope
        counts = (str(of.families), str(of.n), f"{ratio:.2f}", f"{of.spread:.2f}", f"{1 - far / of.n:.0%}")
        rows.append((*_titled(key), *counts, f"{of.error_raw:.0%}", f"{of.error_family:.0%}"))
    titles = (
        "attention", "runtime", "of", "architectures", "pairs", "expected / simulated", "interval, times and by", "it holds",
        "median error, simulated", "median error, expected",
    )  # fmt: skip
    return Table(titles, rows)


def outside(found: Sequence[Pair]) -> Table:
    """Return every pair outside the interval that results from the other architectures."""
    rows = [
        (*_titled(key), pair.made.architecture, pair.device, f"{ratio:.2f}")
        for key in calibrations_of(found)
        for pair, ratio in _outside(found, key)
    ]
    return Table(("attention", "runtime", "of", "architecture", "device", "measured / expected"), rows)


def _outside(found: Sequence[Pair], key: Key) -> Iterator[tuple[Pair, float]]:
    """Yield a key's pairs outside the interval, with measured over expected."""
    own = [pair for pair in found if key_of(pair) == key]
    for name in dict.fromkeys(pair.made.architecture for pair in own):
        others = known_of([pair for pair in own if pair.made.architecture != name]).of
        for pair in own:
            simulated, measured = pair.pass_ms
            slower = measured / others.expected_ms(simulated)
            if pair.made.architecture == name and max(slower, 1 / slower) > others.spread:
                yield pair, slower if key.tokens > 1 else 1 / slower


def _titled(key: Key) -> tuple[str, str, str]:
    return key.attention, key.runtime, "tokens/s" if key.tokens == 1 else "first token"
