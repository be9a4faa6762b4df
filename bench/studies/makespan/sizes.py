"""Sizes for a rack's networks that predict their prepares as well as real networks' sizes predict theirs."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from statistics import mean, median

from qhas.sweep.size import NetworkSize

_CHANCE = 0.30
"""Spread of the logarithm, and so the error of forecasts from these sizes: as large as that of 26 real networks
according to `python -m bench prepares`.
"""
_TYPICAL = NetworkSize(60_000_000, 600)


def drawn_sizes(prepares: Mapping[str, float], seed: int) -> dict[str, NetworkSize]:
    """Return a size for each network, given the prepare seconds by cell key."""
    chance, by_network = random.Random(seed), defaultdict[str, list[float]](list)
    for key, seconds in prepares.items():
        by_network[key.split("/")[0]].append(seconds)
    typical = median(map(mean, by_network.values()))
    sizes = {}
    for network, each in by_network.items():
        share = mean(each) / typical * chance.lognormvariate(0, _CHANCE)
        sizes[network] = NetworkSize(*(int(share * part) for part in (_TYPICAL.bytes, _TYPICAL.ops or 0)))
    return sizes
