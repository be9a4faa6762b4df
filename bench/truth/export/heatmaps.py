"""Heat maps of faces and persons: Lightweight Face Detection and Person Foot Detection, on one kind of backbone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bench.truth.export.blocks import doubled, normed


class _Stage(NamedTuple):
    """Parameters of a block; `deep` ones have a second 3x3 convolution."""

    deep: bool
    channels: int
    inner: int
    out: int
    gate: bool
    stride: int


class _Block(nn.Module):
    """A 1x1, then one or two full 3x3 convolutions; an optional gate; a skip if the size is kept."""

    def __init__(self, stage: _Stage) -> None:
        super().__init__()
        deep, channels, inner, out, gate, stride = stage
        layers = [normed(channels, inner, 1), normed(inner, out, 3, 1 if deep else stride)]
        if deep:
            layers.append(normed(out, out, 3, stride))
        self.layers = nn.Sequential(*layers)
        self.gate = _gate(out) if gate else None
        self.skips = stride == 1
        same = channels == out or not self.skips
        self.skip = nn.Identity() if same else normed(channels, out, 1, activation=nn.Identity())

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.layers(value)
        if self.gate is not None:
            made = made * self.gate(made)
        return made + self.skip(value) if self.skips else made


def _gate(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        normed(channels, channels // 4, 1),
        normed(channels // 4, channels, 1, activation=nn.Sigmoid()),
    )


class _Backbone(nn.Module):
    """A stem and blocks, with the features after the blocks in `keep` and after the last one."""

    def __init__(self, channels: int, stages: Sequence[_Stage], keep: Sequence[int]) -> None:
        super().__init__()
        self.stem = normed(channels, 16, 3, 2)
        self.blocks = nn.ModuleList(map(_Block, stages))
        self.keep = {*keep, len(stages) - 1}

    def sizes(self, image: Tensor) -> Iterator[Tensor]:
        """Yield the kept features, the largest first."""
        value = self.stem(image)
        for at, block in enumerate(self.blocks):
            value = block(value)
            if at in self.keep:
                yield value


class _Neck(nn.Module):
    """Small features enlarged and added to larger ones, then parallel paths of 3x3 convolutions."""

    def __init__(self, sizes: Sequence[int], width: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList(normed(channels, width, 1) for channels in sizes)
        self.up = nn.ModuleList(normed(width, width) for _ in sizes[1:])
        self.wide, self.quarter = normed(width, width // 2), normed(width, width // 4)
        self.near = normed(width // 4, width // 4)
        self.far = nn.Sequential(*(normed(width // 4, width // 4) for _ in range(2)))

    def forward(self, sizes: Sequence[Tensor]) -> Tensor:
        value = self.sides[-1](sizes[-1])
        for up, side, level in zip(self.up, reversed(self.sides[:-1]), reversed(sizes[:-1]), strict=True):
            value = up(doubled(value)) + side(level)
        quarter = self.quarter(value)
        return torch.cat([self.wide(value), torch.cat([self.near(quarter), self.far(quarter)], 1)], 1)


class FaceDetLite(nn.Module):
    """Centres, boxes and five points of faces in a grey image, at an eighth of its size."""

    _STAGES = (
        _Stage(False, 16, 16, 16, False, 2), _Stage(False, 16, 64, 32, False, 2), _Stage(False, 32, 96, 32, False, 1),
        _Stage(True, 32, 96, 32, True, 2), _Stage(True, 32, 224, 32, True, 1), _Stage(True, 32, 224, 32, True, 1),
        _Stage(True, 32, 128, 64, True, 1), _Stage(True, 64, 160, 64, True, 1), _Stage(True, 64, 256, 96, True, 2),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone(1, self._STAGES, (2, 7))
        self.neck = _Neck((32, 64, 96), 32)
        self.heads = nn.ModuleList(nn.Conv2d(32, out, 1) for out in (1, 4, 10))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the maps."""
        value = self.neck([*self.backbone.sizes((image - 0.442) / 0.280)])
        return tuple(head(value) for head in self.heads)


class FootTrackNet(nn.Module):
    """Centres and boxes of three classes, 17 points and their visibility, at a quarter of the image's size."""

    _STAGES = (
        _Stage(False, 16, 16, 16, False, 1), _Stage(False, 16, 64, 16, False, 2), _Stage(False, 16, 64, 16, False, 1),
        _Stage(True, 16, 96, 32, True, 2), _Stage(True, 32, 96, 32, True, 1), _Stage(True, 32, 128, 32, True, 1),
        _Stage(False, 32, 128, 64, False, 2), _Stage(False, 64, 128, 64, False, 1), _Stage(False, 64, 160, 64, False, 1),
        _Stage(False, 64, 160, 64, False, 1), _Stage(False, 64, 256, 64, True, 1), _Stage(False, 64, 320, 64, True, 1),
        _Stage(True, 64, 320, 64, True, 1), _Stage(True, 64, 320, 96, True, 2), _Stage(True, 96, 480, 96, True, 1),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.colours = normed(3, 3, 1, activation=nn.Identity())
        self.backbone = _Backbone(3, self._STAGES, (2, 5, 12))
        self.neck = _Neck((16, 32, 64, 96), 64)
        self.centres, self.boxes = (nn.ModuleList(_head(out) for _ in range(3)) for out in (1, 4))
        self.points, self.seen = _head(34), _head(17)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the maps."""
        value = self.neck([*self.backbone.sizes(self.colours(image * 255))])
        centres = torch.cat([head(value).sigmoid() for head in self.centres], 1)
        boxes = torch.cat([head(value) for head in self.boxes], 1)
        return centres, boxes, self.points(value), self.seen(value).sigmoid()


def _head(out: int) -> nn.Sequential:
    return nn.Sequential(normed(64, 64), nn.Conv2d(64, out, 1))
