"""Seeded images of noise at several scales, which differ from each other as photographs do, unlike white noise."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from hostsdk.samples.topologies import INPUT_SHAPE

_CELLS = (2, 7, 28, 112)
"""Noise cells along an edge, coarse to fine."""


def generator(*seed: object) -> np.random.Generator:
    """Return a generator that depends only on the seed's text."""
    digest = hashlib.sha256("/".join(map(str, seed)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


def image(*seed: object) -> NDArray[np.float32]:
    """Return one image of shape (1, 3, 224, 224), with mean 0 and standard deviation 1 in each channel."""
    draw = generator("image", *seed)
    _, channels, height, _ = INPUT_SHAPE
    total = np.zeros(INPUT_SHAPE[1:], np.float64)
    for cells in _CELLS:
        block = np.ones((1, height // cells, height // cells))
        total += np.kron(draw.normal(size=(channels, cells, cells)), block)
    total -= total.mean(axis=(1, 2), keepdims=True)
    total /= total.std(axis=(1, 2), keepdims=True)
    return total[None].astype(np.float32)


def images(count: int, *seed: object) -> NDArray[np.float32]:
    """Return a batch of `count` images."""
    return np.concatenate([image(*seed, index) for index in range(count)])
