"""DeepLab v3+ on Xception-65."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.truth.export.blocks import normed, resized


def _before(channels: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Return ReLU, then a depthwise 3x3 and a 1x1 convolution without further activations."""
    plain = nn.Identity()
    return nn.Sequential(
        nn.ReLU(),
        normed(channels, channels, 3, stride, groups=channels, dilation=dilation, activation=plain),
        normed(channels, out, 1, activation=plain),
    )


def _after(channels: int, out: int, dilation: int = 1) -> nn.Sequential:
    """Return a depthwise 3x3 and a 1x1 convolution, with ReLU after each."""
    return nn.Sequential(
        normed(channels, channels, 3, groups=channels, dilation=dilation), normed(channels, out, 1)
    )


class _Block(nn.Module):
    """Three separable convolutions and a skip; the value after the second is also returned, for the decoder."""

    def __init__(self, channels: Sequence[int], stride: int = 1) -> None:
        super().__init__()
        first, second, third, last = channels
        self.two = nn.Sequential(_before(first, second), _before(second, third))
        self.third = _before(third, last, stride)
        same = first == last and stride == 1
        self.skip = nn.Identity() if same else normed(first, last, 1, stride, activation=nn.Identity())

    def forward(self, value: Tensor) -> tuple[Tensor, Tensor]:
        two = self.two(value)
        return self.third(two) + self.skip(value), two


class DeepLabXception(nn.Module):
    """21 classes at the image's size, from features at a sixteenth and a quarter of it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(normed(3, 32, 3, 2), normed(32, 64))
        self.entry = nn.ModuleList(
            _Block(channels, 2)
            for channels in ((64, 128, 128, 128), (128, 256, 256, 256), (256, 728, 728, 728))
        )
        self.middle = nn.ModuleList(_Block((728, 728, 728, 728)) for _ in range(16))
        self.exit = _Block((728, 728, 1024, 1024))
        self.high = nn.Sequential(_after(1024, 1536, 2), _after(1536, 1536, 2), _after(1536, 2048, 2))
        self.atrous = nn.ModuleList(
            [normed(2048, 256, 1), *(_after(2048, 256, rate) for rate in (6, 12, 18))]
        )
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), normed(2048, 256, 1))
        self.joined, self.detail = normed(1280, 256, 1), normed(256, 48, 1)
        self.last = nn.Sequential(_after(304, 256), _after(256, 256), nn.Conv2d(256, 21, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of each class."""
        value, low = self.stem(image), None
        for at, block in enumerate(self.entry):
            value, two = block(value)
            low = two if at == 1 else low
        for block in (*self.middle, self.exit):
            value, _ = block(value)
        value = self.high(value)
        branches = [
            resized(self.whole(value), value, corners=True),
            *(branch(value) for branch in self.atrous),
        ]
        joined = resized(self.joined(torch.cat(branches, 1)), low, corners=True)
        made: Tensor = self.last(torch.cat([joined, self.detail(low)], 1))
        return resized(made, image, corners=True)
