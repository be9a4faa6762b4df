"""MiDaS v2.1 small: distances from an EfficientNet-Lite3 and four fusions."""

from __future__ import annotations

from typing import Any

import timm
from torch import Tensor, nn
from torch.nn import functional

_OUT = (32, 48, 136, 384)
"""Channels of the backbone at a quarter of the image's size, an eighth, and so on."""


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.second(functional.relu(self.first(functional.relu(value))))
        return made + value


class _Fusion(nn.Module):
    """The fusion of one size's features with those from the next smaller size, doubled in size."""

    def __init__(self, channels: int, out: int, *, smallest: bool = False) -> None:
        super().__init__()
        self.joined = None if smallest else _Residual(channels)
        self.after = _Residual(channels)
        self.last = nn.Conv2d(channels, out, 1)

    def forward(self, value: Tensor, other: Tensor | None = None) -> Tensor:
        if self.joined is not None and other is not None:
            value = value + self.joined(other)
        larger = functional.interpolate(
            self.after(value), scale_factor=2, mode="bilinear", align_corners=True
        )
        made: Tensor = self.last(larger)
        return made


class Midas(nn.Module):
    """One distance per pixel."""

    def __init__(self) -> None:
        super().__init__()
        network: Any = timm.create_model("tf_efficientnet_lite3", pretrained=False)
        blocks = network.blocks
        self.stages = nn.ModuleList(
            [
                nn.Sequential(network.conv_stem, network.bn1, *blocks[:2]),
                nn.Sequential(*blocks[2:3]),
                nn.Sequential(*blocks[3:5]),
                nn.Sequential(*blocks[5:]),
            ]
        )
        self.same = nn.ModuleList(
            nn.Conv2d(channels, 64 << at, 3, padding=1, bias=False) for at, channels in enumerate(_OUT)
        )
        self.fusions = nn.ModuleList(
            _Fusion(64 << at, (64 << at) // (2 if at else 1), smallest=at == 3) for at in range(4)
        )
        self.head = nn.ModuleList([nn.Conv2d(64, 32, 3, padding=1), nn.Conv2d(32, 32, 3, padding=1)])
        self.last = nn.Conv2d(32, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the distances at the image's size."""
        sizes = []
        for stage, same in zip(self.stages, self.same, strict=True):
            image = stage(image)
            sizes.append(same(image))
        value = self.fusions[3](sizes[3])
        for at in (2, 1, 0):
            value = self.fusions[at](value, sizes[at])
        larger = functional.interpolate(
            self.head[0](value), scale_factor=2, mode="bilinear", align_corners=False
        )
        return functional.relu(self.last(functional.relu(self.head[1](larger))))
