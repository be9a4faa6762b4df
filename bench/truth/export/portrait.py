"""SINet: persons separated from the background, by squeezed depthwise branches of several sizes with PReLU."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import normed

_Shape = tuple[int, int]
"""Kernel of a branch, and the factor by which its image is reduced."""


def _after(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(channels), nn.PReLU(channels))


def _larger(value: Tensor, times: int) -> Tensor:
    return functional.interpolate(value, scale_factor=times, mode="bilinear", align_corners=True)


class _Branch(nn.Module):
    def __init__(self, channels: int, shape: _Shape) -> None:
        super().__init__()
        kernel, self.times = shape
        self.layers = nn.Sequential(
            normed(channels, channels, kernel, groups=channels, activation=nn.PReLU(channels)),
            nn.Conv2d(channels, channels, 1, bias=False),
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, value: Tensor) -> Tensor:
        if self.times > 1:
            value = functional.avg_pool2d(value, self.times, self.times)
        value = self.layers(value)
        made: Tensor = self.norm(_larger(value, self.times) if self.times > 1 else value)
        return made


class _Two(nn.Module):
    """A grouped 1x1 convolution, its channels shuffled, then two branches."""

    def __init__(self, channels: int, out: int, shapes: tuple[_Shape, _Shape]) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out // 2, 1, groups=2, bias=False)
        self.branches = nn.ModuleList(_Branch(out // 2, shape) for shape in shapes)
        self.after, self.skip = _after(out), channels == out

    def forward(self, value: Tensor) -> Tensor:
        first = self.first(value)
        _, channels, rows, columns = first.shape
        first = (
            first.view(1, 2, channels // 2, rows, columns).transpose(1, 2).reshape(1, channels, rows, columns)
        )
        joined = torch.cat([branch(first) for branch in self.branches], 1)
        made: Tensor = self.after(value + joined if self.skip else joined)
        return made


class _Halved(nn.Module):
    """A strided depthwise convolution with a gate, then a 1x1 convolution."""

    def __init__(self, channels: int, out: int, inner: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, 2, 1, groups=channels, bias=False)
        sizes = [channels, channels] if inner == channels else [channels, inner, channels]
        self.gate = nn.Sequential(
            *(nn.Sequential(nn.Linear(one, other), nn.PReLU(other)) for one, other in pairwise(sizes))
        )
        self.last = normed(channels, out, 1, activation=nn.PReLU(out))

    def forward(self, value: Tensor) -> Tensor:
        value = self.first(value)
        mean = functional.avg_pool2d(value, [*map(int, value.shape[2:])]).view(1, -1)
        made: Tensor = self.last(self.gate(mean).view(1, -1, 1, 1) * value)
        return made


class SiNet(nn.Module):
    """Two classes at the image's size."""

    _QUARTER: tuple[tuple[_Shape, _Shape], ...] = (((3, 1), (5, 1)), ((3, 1), (3, 1)))
    _EIGHTH: tuple[tuple[_Shape, _Shape], ...] = (
        ((3, 1), (5, 1)), ((3, 1), (3, 1)), ((5, 1), (3, 2)), ((5, 2), (3, 4)),
        ((3, 1), (3, 1)), ((5, 1), (5, 1)), ((3, 2), (3, 4)), ((3, 1), (5, 2)),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(normed(3, 12, 3, 2, activation=nn.PReLU(12)), _Halved(12, 16, 12))
        self.quarter = nn.Sequential(
            *(_Two(48 if at else 16, 48, shapes) for at, shapes in enumerate(self._QUARTER))
        )
        self.halved = nn.Sequential(_after(64), _Halved(64, 48, 32))
        self.eighth = nn.Sequential(
            *(_Two(96 if at else 48, 96, shapes) for at, shapes in enumerate(self._EIGHTH))
        )
        self.coarse = nn.Sequential(_after(144), nn.Conv2d(144, 2, 1, bias=False))
        self.norms = nn.ModuleList(nn.BatchNorm2d(2) for _ in range(2))
        self.fine = normed(48, 2, 1, activation=nn.PReLU(2))
        self.last = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        mean, spread = torch.tensor([0.4208, 0.4537, 0.5190]), torch.tensor([63.97, 65.13, 68.30])
        self.register_buffer("mean", mean.view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", spread.view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores; regions already certain at an eighth of the size are not refined."""
        stem = self.stem((image[:, [2, 1, 0]] - self.mean) / self.spread)
        quarter = self.quarter(stem)
        halved = self.halved(torch.cat([stem, quarter], 1))
        coarse = self.coarse(torch.cat([halved, self.eighth(halved)], 1))
        coarse = self.norms[0](_larger(coarse, 2))
        unsure = (1 - coarse.softmax(1).max(1)[0]).unsqueeze(1)
        made: Tensor = self.last(_larger(self.norms[1](_larger(self.fine(quarter) * unsure + coarse, 2)), 2))
        return made
