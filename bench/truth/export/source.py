"""A network to export: how it is built, and the inputs that it is traced with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench.truth.export.shapes import Image, Scale

PLAIN_OPSET = 17
"""For convolutional networks; Gelu is written out as several ops."""
ATTENTION_OPSET = 20
_TOKENS = 30_000


class Source(NamedTuple):
    """A network to export. Its `inputs` are keyed by name, each made on demand."""

    build: Callable[[], nn.Module]
    inputs: dict[str, Callable[[], Tensor]]
    opset: int


def image(
    build: Callable[[], nn.Module],
    size: int | tuple[int, int] = 224,
    scale: Scale = Scale.IMAGENET,
    *,
    channels: int = 3,
    opset: int = PLAIN_OPSET,
    classes: bool = False,
    last: bool = False,
    every: bool = False,
) -> Source:
    """Return the source of a network of one image.

    With `classes` the output is the best class of each pixel, with `last` it has channels last, with `every` all
    outputs are kept.
    """
    height, width = size if isinstance(size, tuple) else (size, size)
    return Source(
        lambda: Image(build(), scale, classes=classes, last=last, every=every),
        {"image": lambda: torch.rand(1, height, width, channels)},
        opset,
    )


def text(build: Callable[[], nn.Module], length: int, *, place: bool = False) -> Source:
    """Return the source of a network of one text with a mask; set `place` for networks that predict one token."""
    inputs: dict[str, Callable[[], Tensor]] = {
        "tokens": lambda: torch.randint(1, _TOKENS, (1, length), dtype=torch.int32),
        "mask": lambda: torch.ones(1, length, dtype=torch.int32),
    }
    if place:
        inputs["place"] = lambda: torch.tensor([5], dtype=torch.int32)
    return Source(build, inputs, ATTENTION_OPSET)
