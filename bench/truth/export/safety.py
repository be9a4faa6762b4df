"""Helmets and vests (PPE Detection): double depthwise blocks arranged as in YOLOv5, with three shapes per position."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import doubled, normed
from bench.truth.export.yolo import SHAPES

_CLASSES = 2


def _depthwise(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        normed(channels, channels, 5, groups=channels, activation=nn.Identity()),
        normed(channels, out, 1, activation=nn.Identity()),
    )


class _Double(nn.Module):
    """Two depthwise 5x5 convolutions, each followed by a 1x1, and a skip."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        inner = max(channels, out) // 2
        self.layers = nn.Sequential(_depthwise(channels, inner), nn.ReLU(), _depthwise(inner, out))
        self.skip = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, value: Tensor) -> Tensor:
        return functional.relu(self.layers(value) + self.skip(value))


class GearGuard(nn.Module):
    """Corners in pixels, scores and classes of the boxes of an image."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, 32, 6, 2, 2, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.third = nn.Sequential(
            stem, normed(32, 64, 3, 2), _Double(64, 64), normed(64, 128, 3, 2), _Double(128, 128)
        )
        self.fourth = nn.Sequential(normed(128, 256, 3, 2), *(_Double(256, 256) for _ in range(3)))
        self.fifth = nn.Sequential(normed(256, 512, 3, 2), _Double(512, 512), normed(512, 512))
        self.reduce5, self.reduce4 = normed(512, 256, 1), normed(256, 128, 1)
        self.up4, self.up3 = _Double(512, 256), _Double(256, 128)
        self.down3, self.down4 = normed(128, 128, 3, 2), normed(256, 256, 3, 2)
        self.again4, self.again5 = _Double(256, 256), _Double(512, 512)
        self.heads = nn.ModuleList(nn.Conv2d(channels, 3 * (5 + _CLASSES), 1) for channels in (128, 256, 512))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return corners, scores and classes, for batch 1."""
        made = [
            _boxes(head(value), stride, torch.tensor(shapes).float())
            for head, value, stride, shapes in zip(
                self.heads, self._features(image), (8, 16, 32), SHAPES, strict=True
            )
        ]
        found = torch.cat(made, 1)
        middle, half = found[..., :2], found[..., 2:4] * 0.5
        best, label = (found[..., 5:] * found[..., 4:5]).max(-1)
        return torch.cat([middle - half, middle + half], -1), best, label.to(torch.uint8)

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        third = self.third(image)
        fourth = self.fourth(third)
        fifth = self.reduce5(self.fifth(fourth))
        joined = self.reduce4(self.up4(torch.cat([doubled(fifth), fourth], 1)))
        small = self.up3(torch.cat([doubled(joined), third], 1))
        middle = self.again4(torch.cat([self.down3(small), joined], 1))
        return small, middle, self.again5(torch.cat([self.down4(middle), fifth], 1))


def _boxes(made: Tensor, stride: int, shapes: Tensor) -> Tensor:
    """Return centre, size, and the confidence in a box and in each class."""
    rows, columns = made.shape[2:]
    made = made.permute(0, 2, 3, 1).reshape(1, rows, columns, 3, 5 + _CLASSES)
    sure, classes = made[..., 4].sigmoid().reshape(1, -1), made[..., 5:].sigmoid().reshape(1, -1, _CLASSES)
    flat = made.reshape(1, -1, 5 + _CLASSES)
    y, x = (
        place.unsqueeze(-1).expand(-1, -1, 3).reshape(1, -1).float()
        for place in torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    )
    width, height = (shapes[:, side].repeat(rows * columns).view(1, -1) for side in (0, 1))
    box = [
        (flat[..., 0].sigmoid() * 2 - 0.5 + x) * stride,
        (flat[..., 1].sigmoid() * 2 - 0.5 + y) * stride,
        4 * flat[..., 2].sigmoid() ** 2 * width,
        4 * flat[..., 3].sigmoid() ** 2 * height,
    ]
    return torch.cat([torch.stack([*box, sure], 2), classes], 2)
