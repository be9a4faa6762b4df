"""Attributes of a face (Facial Attribute Detection), and the parameters of its shape (FaceMap 3DMM)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from bench.truth.export.blocks import Residual, normed


def _pair(
    channels: int, inner: int, out: int, groups: int, stride: int = 1, *, active: bool = True
) -> nn.Sequential:
    """Return a grouped 3x3 and a plain 1x1 convolution, normalised once at the end."""
    return nn.Sequential(
        nn.Conv2d(channels, inner, 3, stride, 1, groups=groups, bias=False),
        normed(inner, out, 1, activation=nn.PReLU() if active else nn.Identity()),
    )


class _Sum(nn.Module):
    """The sum of two branches, or of a branch and the value itself."""

    def __init__(self, one: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.one, self.other, self.active = one, other, nn.PReLU()

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.active(self.one(value) + self.other(value))
        return made


def _smaller(channels: int) -> _Sum:
    groups, out = channels // 32, 2 * channels
    deep = nn.Sequential(
        _pair(channels, 2 * out, out, groups, 2), _pair(out, 2 * out, out, groups, active=False)
    )
    return _Sum(_pair(channels, out, out, groups, 2), deep)


def _same(channels: int) -> _Sum:
    groups = channels // 32
    pairs = (_pair(channels, 2 * channels, channels, groups, active=active) for active in (True, False))
    return _Sum(nn.Sequential(*pairs), nn.Identity())


class _Attribute(nn.Module):
    """Yes or no, from the last two feature sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.larger, self.both = _pair(256, 128, 128, 8, 2), _pair(640, 320, 128, 20, 2)
        self.last = nn.Sequential(nn.AvgPool2d(4, 1), nn.Flatten(), nn.Linear(128, 2))

    def forward(self, larger: Tensor, smaller: Tensor) -> Tensor:
        made: Tensor = self.last(self.both(torch.cat([self.larger(larger), smaller], 1)))
        return made


class FaceAttribNet(nn.Module):
    """Five attributes of a face."""

    def __init__(self) -> None:
        super().__init__()
        deep = nn.Sequential(_pair(64, 64, 64, 2, 2), _pair(64, 64, 64, 2, active=False))
        self.stem = nn.Sequential(
            normed(3, 64, activation=nn.PReLU()), _Sum(deep, _pair(64, 64, 64, 2, 2, active=False))
        )
        self.stages = nn.ModuleList(
            nn.Sequential(_smaller(channels), *(_same(2 * channels) for _ in range(more)))
            for channels, more in ((64, 1), (128, 5), (256, 2))
        )
        self.attributes = nn.ModuleList(_Attribute() for _ in range(5))

    def forward(self, image: Tensor) -> Tensor:
        """Return the confidence in each attribute."""
        value = self.stem((image - 0.5) / 0.50196078)
        larger = self.stages[1](self.stages[0](value))
        smaller = self.stages[2](larger)
        logits = torch.stack([attribute(larger, smaller) for attribute in self.attributes], 1)
        return logits.softmax(2)[:, :, 1]


class FaceMap(nn.Module):
    """265 parameters of a face's shape: a ResNet-18 of half the width, except for its last unit, on a grey image."""

    _UNITS = ((32, 1), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (512, 1))
    """Channels and stride."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 1, 1), normed(1, 32, 7, 2), nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3, 2)
        )
        self.units = nn.Sequential(*self._units(), nn.AvgPool2d(4, 1), nn.Flatten(), nn.Linear(512, 265))

    def _units(self) -> Iterator[nn.Module]:
        channels = 32
        for out, stride in self._UNITS:
            yield Residual(channels, out, stride)
            channels = out

    def forward(self, image: Tensor) -> Tensor:
        """Return the parameters as one row."""
        made: Tensor = self.units(self.stem(image * 255))
        return made
