"""Networks that give each pixel a class or a weight: U2-Net, DeepLab v3+ on MobileNet v2, DDRNet 23 slim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import normed, resized


class _Levels(nn.Module):
    """A small U-Net with a skip: `depth` levels or, if `flat`, as many dilations at the same size."""

    def __init__(self, channels: int, inner: int, out: int, depth: int, *, flat: bool = False) -> None:
        super().__init__()
        self.flat = flat
        down = [1 << level if flat else 1 for level in range(depth - 1)]
        self.first = normed(channels, out)
        self.down = nn.ModuleList(
            normed(inner if level else out, inner, dilation=dilation) for level, dilation in enumerate(down)
        )
        self.bottom = normed(inner, inner, dilation=1 << (depth - 1) if flat else 2)
        self.up = nn.ModuleList(
            normed(2 * inner, inner if level else out, dilation=dilation)
            for level, dilation in enumerate(down)
        )

    def forward(self, value: Tensor) -> Tensor:
        skip = self.first(value)
        value, levels = skip, []
        for at, layer in enumerate(self.down):
            value = layer(value if self.flat or not at else _pooled(value))
            levels.append(value)
        value = self.bottom(value)
        for layer, level in zip(reversed(self.up), reversed(levels), strict=True):
            value = layer(torch.cat([value if self.flat else resized(value, level), level], 1))
        made: Tensor = value + skip
        return made


def _pooled(value: Tensor) -> Tensor:
    return functional.max_pool2d(value, 2, 2, ceil_mode=True)


class U2Net(nn.Module):
    """How much each pixel belongs to the salient object."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [
                _Levels(3, 32, 64, 7),
                _Levels(64, 32, 128, 6),
                _Levels(128, 64, 256, 5),
                _Levels(256, 128, 512, 4),
                _Levels(512, 256, 512, 4, flat=True),
                _Levels(512, 256, 512, 4, flat=True),
            ]
        )
        self.up = nn.ModuleList(
            [
                _Levels(128, 16, 64, 7),
                _Levels(256, 32, 64, 6),
                _Levels(512, 64, 128, 5),
                _Levels(1024, 128, 256, 4),
                _Levels(1024, 256, 512, 4, flat=True),
            ]
        )
        self.sides = nn.ModuleList(
            nn.Conv2d(channels, 1, 3, padding=1) for channels in (64, 64, 128, 256, 512, 512)
        )
        self.last = nn.Conv2d(6, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return one channel at the image's size."""
        value, levels = image, []
        for at, block in enumerate(self.down):
            value = block(_pooled(value) if at else value)
            levels.append(value)
        made = [levels[-1]]
        for block, level in zip(reversed(self.up), reversed(levels[:-1]), strict=True):
            made.append(block(torch.cat([resized(made[-1], level), level], 1)))
        maps = [side(value) for side, value in zip(self.sides, reversed(made), strict=True)]
        joined: Tensor = self.last(torch.cat([resized(value, image) for value in maps], 1)).sigmoid()
        return joined


class _Inverted(nn.Module):
    def __init__(self, channels: int, out: int, stride: int, expansion: int, dilation: int) -> None:
        super().__init__()
        inner = channels * expansion
        first = [] if expansion == 1 else [normed(channels, inner, 1, activation=nn.ReLU6())]
        self.layers = nn.Sequential(
            *first,
            normed(inner, inner, 3, stride, groups=inner, dilation=dilation, activation=nn.ReLU6()),
            normed(inner, out, 1, activation=nn.Identity()),
        )
        self.skip = stride == 1 and channels == out

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.layers(value)
        return made + value if self.skip else made


class DeepLab(nn.Module):
    """21 classes at the image's size, from features at a sixteenth and a quarter of it."""

    _STAGES = ((1, 16, 1, 1, 1), (6, 24, 2, 2, 1), (6, 32, 3, 2, 1), (6, 64, 4, 2, 1), (6, 96, 3, 1, 1), (6, 160, 3, 1, 1), (6, 320, 1, 1, 2))  # fmt: skip
    """Expansion, channels, blocks, stride, dilation."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [normed(3, 32, 3, 2, activation=nn.ReLU6()), *self._blocks()]
        self.low, self.high = nn.Sequential(*blocks[:4]), nn.Sequential(*blocks[4:])
        self.atrous = nn.ModuleList(
            normed(320, 256, 1 if rate == 1 else 3, dilation=rate) for rate in (1, 6, 12, 18)
        )
        self.whole = nn.Sequential(nn.AdaptiveAvgPool2d(1), normed(320, 256, 1))
        self.joined, self.detail = normed(1280, 256, 1), normed(24, 48, 1)
        self.last = nn.Sequential(normed(304, 256), normed(256, 256), nn.Conv2d(256, 21, 1))

    def _blocks(self) -> Iterator[nn.Module]:
        channels = 32
        for expansion, out, count, stride, dilation in self._STAGES:
            for at in range(count):
                yield _Inverted(channels, out, 1 if at else stride, expansion, dilation)
                channels = out

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of each class."""
        low = self.low(image)
        high = self.high(low)
        branches = [branch(high) for branch in self.atrous]
        branches.append(resized(self.whole(high), high, corners=True))
        joined = resized(self.joined(torch.cat(branches, 1)), low, corners=True)
        made: Tensor = self.last(torch.cat([joined, self.detail(low)], 1))
        return resized(made, image, corners=True)


class _Residual(nn.Module):
    """Layers and a skip; no ReLU is applied to the result."""

    def __init__(self, layers: nn.Sequential, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.layers = layers
        self.skip: nn.Module = nn.Identity()
        if stride > 1 or channels != out:
            self.skip = normed(channels, out, 1, stride, activation=nn.Identity())

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.layers(value) + self.skip(value)
        return made


def _basic(channels: int, out: int, stride: int = 1) -> _Residual:
    layers = nn.Sequential(normed(channels, out, 3, stride), normed(out, out, activation=nn.Identity()))
    return _Residual(layers, channels, out, stride)


def _wide(channels: int, inner: int, stride: int = 1) -> _Residual:
    """Return 1x1, 3x3 and 1x1 convolutions, the last to twice as many channels, with a skip."""
    layers = nn.Sequential(
        normed(channels, inner, 1),
        normed(inner, inner, 3, stride),
        normed(inner, 2 * inner, 1, activation=nn.Identity()),
    )
    return _Residual(layers, channels, 2 * inner, stride)


def _two(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(_basic(channels, out, stride), nn.ReLU(), _basic(out, out))


def _before(channels: int, out: int, kernel: int = 1) -> nn.Sequential:
    """Return a convolution preceded by normalisation and ReLU."""
    return nn.Sequential(
        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
    )


class _Context(nn.Module):
    """Averages over windows of five sizes, each added to the previous one."""

    def __init__(self, channels: int, inner: int, out: int) -> None:
        super().__init__()
        pools: Sequence[nn.Module] = [
            nn.Identity(),
            *(nn.AvgPool2d(2 * half + 1, half, half) for half in (2, 4, 8)),
            nn.AdaptiveAvgPool2d(1),
        ]
        self.scales = nn.ModuleList(nn.Sequential(pool, _before(channels, inner)) for pool in pools)
        self.after = nn.ModuleList(_before(inner, inner, 3) for _ in range(4))
        self.joined, self.skip = _before(5 * inner, out), _before(channels, out)

    def forward(self, value: Tensor) -> Tensor:
        made = [self.scales[0](value)]
        for scale, after in zip(self.scales[1:], self.after, strict=True):
            made.append(after(resized(scale(value), value) + made[-1]))
        total: Tensor = self.joined(torch.cat(made, 1)) + self.skip(value)
        return total


class DdrNet(nn.Module):
    """19 classes at an eighth of the image's size: a fine and a coarse branch that exchange features twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(nn.Sequential(nn.Conv2d(at, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU()) for at in (3, 32))
        )
        self.shared = nn.Sequential(_two(32, 32), nn.ReLU(), _two(32, 64, 2), nn.ReLU())
        self.coarse3, self.coarse4, self.coarse5 = _two(64, 128, 2), _two(128, 256, 2), _wide(256, 256, 2)
        self.fine3, self.fine4, self.fine5 = _two(64, 64), _two(64, 64), _wide(64, 64)
        plain = nn.Identity()
        self.up3, self.up4 = (normed(channels, 64, 1, activation=plain) for channels in (128, 256))
        self.down3 = normed(64, 128, 3, 2, activation=plain)
        self.down4 = nn.Sequential(normed(64, 128, 3, 2), normed(128, 256, 3, 2, activation=plain))
        self.context = _Context(512, 128, 128)
        self.last = nn.Sequential(_before(128, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 19, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of each class."""
        relu = functional.relu
        shared = self.shared(self.stem(image))
        coarse, fine = self.coarse3(shared), self.fine3(shared)
        coarse, fine = coarse + self.down3(relu(fine)), fine + resized(self.up3(relu(coarse)), fine)
        coarse, fine = self.coarse4(relu(coarse)), self.fine4(relu(fine))
        coarse, fine = coarse + self.down4(relu(fine)), fine + resized(self.up4(relu(coarse)), fine)
        fine = self.fine5(relu(fine))
        made: Tensor = self.last(resized(self.context(self.coarse5(relu(coarse))), fine) + fine)
        return made
