"""FFNet: a class for each pixel of a street scene, from ResNets of basic blocks and a plain feature pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import Residual, normed


class Head(Enum):
    """Channels of the four feature sizes, and those that each gives to the result.

    They are followed by the channels before the last convolution, and its kernel.
    """

    B = ((64, 128, 128, 256), (96, 96, 64, 32), 256, 3)
    """For large images."""
    C = ((128, 128, 128, 128), (128, 16, 16, 16), 128, 1)
    """For small images: most of the result comes from the largest features."""


def _stage(channels: int, out: int, blocks: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Residual(channels, out, stride), *(Residual(out, out, 1) for _ in range(blocks - 1)))


class Slim(nn.Module):
    """Four stages after a stem of two convolutions; the first halves the size or keeps it."""

    out = (64, 128, 192, 320)

    def __init__(self, blocks: Sequence[int], first: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(normed(3, 32, 3, 2), normed(32, 64, 3, 2))
        self.stages = nn.ModuleList(map(_stage, (64, *self.out[:3]), self.out, blocks, (first, 2, 2, 2)))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features, the largest size first."""
        value, made = self.stem(image), []
        for stage in self.stages:
            value = stage(value)
            made.append(value)
        return made


class Narrow(nn.Module):
    """Three stages after a stem of three convolutions."""

    out = (64, 64, 128, 256)

    def __init__(self, blocks: Sequence[int]) -> None:
        super().__init__()
        self.stem = nn.Sequential(normed(3, 64, 3, 2), normed(64, 64, 3, 2), normed(64, 64))
        self.stages = nn.ModuleList(map(_stage, self.out[:3], self.out[1:], blocks, (2, 2, 2)))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the features, the largest size first."""
        made = [self.stem(image)]
        for stage in self.stages:
            made.append(stage(made[-1]))
        return made


class FfNet(nn.Module):
    """19 classes at a quarter or an eighth of the image's size."""

    def __init__(self, backbone: Slim | Narrow, head: Head) -> None:
        super().__init__()
        inner, given, before, kernel = head.value
        self.backbone = backbone
        self.adapted = nn.ModuleList(
            normed(*channels, 1) for channels in zip(backbone.out, inner, strict=True)
        )
        self.smooth = nn.ModuleList(normed(*channels) for channels in zip(inner, given, strict=True))
        self.up = nn.ModuleList(normed(inner[at], inner[at - 1], 1) for at in (1, 2, 3))
        self.last = nn.Sequential(
            nn.Conv2d(sum(given), before, 3, padding=1),
            nn.BatchNorm2d(before),
            nn.ReLU(),
            nn.Conv2d(before, 19, kernel, padding=kernel // 2),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of each class."""
        sizes = [adapt(value) for adapt, value in zip(self.adapted, self.backbone(image), strict=True)]
        value = sizes[3]
        made = [self.smooth[3](value)]
        for at in (2, 1, 0):
            value = _enlarged(self.up[at](value), sizes[at]) + sizes[at]
            made.insert(0, self.smooth[at](value))
        joined = made[0]
        for other in made[1:]:
            joined = torch.cat([joined, _enlarged(other, joined)], 1)
        scores: Tensor = self.last(joined)
        return scores


def _enlarged(value: Tensor, other: Tensor) -> Tensor:
    return functional.interpolate(value, size=other.shape[2:], mode="nearest")
