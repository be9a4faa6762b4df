"""Networks for persons and faces: two heads on timm's HRNet, and OSNet."""

from __future__ import annotations

from functools import reduce
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import normed, resized


class _HighResolution(nn.Module):
    """HRNet without its classifier: features of four sizes, the largest first."""

    def __init__(self, name: str, *, bilinear: bool) -> None:
        super().__init__()
        network: Any = timm.create_model(name, pretrained=False)
        self.stem = nn.Sequential(
            network.conv1, network.bn1, network.act1, network.conv2, network.bn2, network.act2
        )
        self.network = network
        for module in network.modules():
            if bilinear and isinstance(module, nn.Upsample):
                module.mode, module.align_corners = "bilinear", False

    def sizes(self, image: Tensor) -> list[Tensor]:
        """Return the features at a quarter of the image's size, an eighth, and so on."""
        made: list[Tensor] = self.network.stages(self.stem(image))
        return made


class PoseHrNet(_HighResolution):
    """17 points of a person, from the largest features only."""

    def __init__(self) -> None:
        super().__init__("hrnet_w32", bilinear=False)
        self.points = nn.Conv2d(32, 17, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return a heat map for each point."""
        made: Tensor = self.points(self.sizes(image)[0])
        return made


class FaceHrNet(_HighResolution):
    """29 points of a face, from features of all sizes."""

    def __init__(self) -> None:
        super().__init__("hrnet_w18", bilinear=True)
        self.points = nn.Sequential(
            nn.Conv2d(270, 270, 1), nn.BatchNorm2d(270), nn.ReLU(), nn.Conv2d(270, 29, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return a heat map for each point."""
        first, *others = self.sizes(image)
        made: Tensor = self.points(torch.cat([first, *(resized(other, first) for other in others)], 1))
        return made


def _light(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 1, bias=False), normed(channels, channels, 3, groups=channels)
    )


class _Omni(nn.Module):
    """Light convolutions of four depths, weighted by one shared gate."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        inner = out // 4
        self.first = normed(channels, inner, 1)
        self.depths = nn.ModuleList(
            nn.Sequential(*(_light(inner) for _ in range(depth))) for depth in range(1, 5)
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(inner, inner // 16, 1),
            nn.ReLU(),
            nn.Conv2d(inner // 16, inner, 1),
            nn.Sigmoid(),
        )
        self.last = normed(inner, out, 1, activation=nn.Identity())
        self.skip = nn.Identity() if channels == out else normed(channels, out, 1, activation=nn.Identity())

    def forward(self, value: Tensor) -> Tensor:
        first = self.first(value)
        branches = [depth(first) for depth in self.depths]
        total = reduce(torch.add, [branch * self.gate(branch) for branch in branches])
        return functional.relu(self.last(total) + self.skip(value))


class OsNet(nn.Module):
    """A vector of 512 values and length 1 that identifies a person."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [normed(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for out in (256, 384, 512):
            layers += [_Omni(channels, out), _Omni(out, out)]
            if out < 512:
                layers += [normed(out, out, 1), nn.AvgPool2d(2, 2)]
            channels = out
        self.body = nn.Sequential(*layers, normed(512, 512, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.last = nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU())

    def forward(self, image: Tensor) -> Tensor:
        """Return the vector as one row."""
        return functional.normalize(self.last(self.body(image)), p=2.0, dim=1)
