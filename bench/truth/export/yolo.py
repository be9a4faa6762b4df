"""YOLOv8 nano (boxes, and boxes with masks) and YOLOv7 tiny."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import Bottleneck, doubled, normed, smooth

_CLASSES = 80
_STRIDES = (8, 16, 32)
_BINS = 16
SHAPES = (((10, 13), (16, 30), (33, 23)), ((30, 61), (62, 45), (59, 119)), ((116, 90), (156, 198), (373, 326)))  # fmt: skip
"""Width and height in pixels of the anchor boxes at each position, by feature size."""


class _Split(nn.Module):
    """Two halves, joined with the result of each bottleneck in a chain that starts from the second half."""

    def __init__(self, channels: int, out: int, depth: int, *, skip: bool) -> None:
        super().__init__()
        self.first, self.width = smooth(channels, out), out // 2
        self.blocks = nn.ModuleList(Bottleneck(out // 2, skip=skip, first=3) for _ in range(depth))
        self.last = smooth((2 + depth) * out // 2, out)

    def forward(self, value: Tensor) -> Tensor:
        first = self.first(value)
        parts = [first[:, : self.width], first[:, self.width :]]
        for block in self.blocks:
            parts.append(block(parts[-1]))
        made: Tensor = self.last(torch.cat(parts, 1))
        return made


class _Pyramid(nn.Module):
    """The same pool applied three times, all results joined."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.last = smooth(channels, channels // 2), smooth(channels * 2, channels)

    def forward(self, value: Tensor) -> Tensor:
        parts = [self.first(value)]
        for _ in range(3):
            parts.append(functional.max_pool2d(parts[-1], 5, 1, 2))
        made: Tensor = self.last(torch.cat(parts, 1))
        return made


class _Features(nn.Module):
    """Features of three sizes, the largest first."""

    def __init__(self) -> None:
        super().__init__()
        self.third = nn.Sequential(
            smooth(3, 16, 3, 2), smooth(16, 32, 3, 2), _Split(32, 32, 1, skip=True),
            smooth(32, 64, 3, 2), _Split(64, 64, 2, skip=True),
        )  # fmt: skip
        self.fourth = nn.Sequential(smooth(64, 128, 3, 2), _Split(128, 128, 2, skip=True))
        self.fifth = nn.Sequential(smooth(128, 256, 3, 2), _Split(256, 256, 1, skip=True), _Pyramid(256))
        self.up4, self.up3 = _Split(384, 128, 1, skip=False), _Split(192, 64, 1, skip=False)
        self.down3, self.down4 = smooth(64, 64, 3, 2), smooth(128, 128, 3, 2)
        self.again4, self.again5 = _Split(192, 128, 1, skip=False), _Split(384, 256, 1, skip=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        third = self.third(image)
        fourth = self.fourth(third)
        fifth = self.fifth(fourth)
        joined = self.up4(torch.cat([doubled(fifth), fourth], 1))
        small = self.up3(torch.cat([doubled(joined), third], 1))
        middle = self.again4(torch.cat([self.down3(small), joined], 1))
        return small, middle, self.again5(torch.cat([self.down4(middle), fifth], 1))


def _branches(inner: int, out: int) -> nn.ModuleList:
    return nn.ModuleList(
        nn.Sequential(smooth(channels, inner, 3), smooth(inner, inner, 3), nn.Conv2d(inner, out, 1))
        for channels in (64, 128, 256)
    )


def _joined(branches: nn.ModuleList, sizes: Sequence[Tensor]) -> Tensor:
    return torch.cat([branch(value).flatten(2) for branch, value in zip(branches, sizes, strict=True)], 2)


class YoloV8(nn.Module):
    """Corners in pixels, scores and classes of 8,400 boxes of a 640 x 640 image."""

    def __init__(self) -> None:
        super().__init__()
        self.features = _Features()
        self.box, self.classes = _branches(64, 4 * _BINS), _branches(80, _CLASSES)
        self.mean = nn.Conv2d(_BINS, 1, 1, bias=False)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return corners, scores and classes, for batch 1."""
        return self.found(self.features(image))

    def found(self, sizes: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return corners, scores and classes from the features."""
        box, scores = _joined(self.box, sizes), _joined(self.classes, sizes)
        count = sum(int(value[0, 0].numel()) for value in sizes)
        sides = self.mean(box.view(1, 4, _BINS, count).transpose(2, 1).softmax(1)).view(1, 4, count)
        before, after = sides[:, :2], sides[:, 2:]
        places, strides = _places(sizes)
        first, second = places - before, places + after
        box = torch.cat([(first + second) / 2, second - first], 1) * strides
        best, label = scores.sigmoid().permute(0, 2, 1).max(-1)
        return _corners(box.permute(0, 2, 1)), best, label.to(torch.uint8)


def _places(sizes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the centre of each position, and its stride in pixels."""
    middles, strides = [], []
    for value, stride in zip(sizes, _STRIDES, strict=True):
        rows, columns = map(int, value.shape[2:])
        y, x = torch.meshgrid(torch.arange(rows).float(), torch.arange(columns).float(), indexing="ij")
        middles.append(torch.stack([x, y]).view(1, 2, -1) + 0.5)
        strides.append(torch.full((1, 1, rows * columns), float(stride)))
    return torch.cat(middles, 2), torch.cat(strides, 2)


def _corners(box: Tensor) -> Tensor:
    """Return the corners of boxes given by centre and size."""
    middle, half = box[..., :2], box[..., 2:] * 0.5
    return torch.cat([middle - half, middle + half], -1)


class YoloV8Masks(YoloV8):
    """The same, with 32 weights per box for 32 shared masks."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = _branches(32, 32)
        self.masks = nn.Sequential(
            smooth(64, 64, 3), nn.ConvTranspose2d(64, 64, 2, 2), smooth(64, 64, 3), smooth(64, 32)
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return corners, scores, weights, classes and masks, for batch 1."""
        sizes = self.features(image)
        box, best, label = self.found(sizes)
        return box, best, _joined(self.weights, sizes).permute(0, 2, 1), label, self.masks(sizes[0])


def _leaky(channels: int, out: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    return normed(channels, out, kernel, stride, activation=nn.LeakyReLU(0.1))


class _Layers(nn.Module):
    """Two 1x1 convolutions, the second followed by two 3x3 ones; all four results are joined, the last first."""

    def __init__(self, channels: int, inner: int, out: int) -> None:
        super().__init__()
        self.past, self.first = _leaky(channels, inner), _leaky(channels, inner)
        self.more = nn.ModuleList(_leaky(inner, inner, 3) for _ in range(2))
        self.last = _leaky(4 * inner, out)

    def forward(self, value: Tensor) -> Tensor:
        parts = [self.past(value), self.first(value)]
        for layer in self.more:
            parts.append(layer(parts[-1]))
        made: Tensor = self.last(torch.cat(parts[::-1], 1))
        return made


class _Pools(nn.Module):
    """Pools of three sizes joined with the value, and a path that bypasses them."""

    def __init__(self) -> None:
        super().__init__()
        self.past, self.first = _leaky(512, 256), _leaky(512, 256)
        self.joined, self.last = _leaky(1024, 256), _leaky(512, 256)

    def forward(self, value: Tensor) -> Tensor:
        first = self.first(value)
        pools = [functional.max_pool2d(first, size, 1, size // 2) for size in (13, 9, 5)]
        made: Tensor = self.last(torch.cat([self.joined(torch.cat([*pools, first], 1)), self.past(value)], 1))
        return made


class YoloV7Tiny(nn.Module):
    """Corners in pixels, scores and classes of 25,200 boxes of a 640 x 640 image, with three shapes per position."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_leaky(3, 32, 3, 2), _leaky(32, 64, 3, 2), _Layers(64, 32, 64))
        self.third, self.fourth, self.fifth = (
            nn.Sequential(nn.MaxPool2d(2, 2), _Layers(channels, channels, 2 * channels))
            for channels in (64, 128, 256)
        )
        self.pools = _Pools()
        self.side4, self.side3 = _leaky(256, 128), _leaky(128, 64)
        self.reduce5, self.reduce4 = _leaky(256, 128), _leaky(128, 64)
        self.up4, self.up3 = _Layers(256, 64, 128), _Layers(128, 32, 64)
        self.down3, self.down4 = _leaky(64, 128, 3, 2), _leaky(128, 256, 3, 2)
        self.again4, self.again5 = _Layers(256, 64, 128), _Layers(512, 128, 256)
        self.heads = nn.ModuleList(
            nn.Sequential(_leaky(channels, 2 * channels, 3), nn.Conv2d(2 * channels, 3 * (5 + _CLASSES), 1))
            for channels in (64, 128, 256)
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return corners, scores and classes, for batch 1."""
        places, sizes, scores = [], [], []
        for head, value, stride, shapes in zip(
            self.heads, self._features(image), _STRIDES, SHAPES, strict=True
        ):
            made = head(value).sigmoid()
            rows, columns = made.shape[2:]
            made = made.reshape(1, 3, 5 + _CLASSES, rows, columns).permute(0, 1, 3, 4, 2)
            y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            place = torch.stack([x, y], 2).view(1, 1, rows, columns, 2).float()
            places.append(((made[..., :2] * 2 - 0.5 + place) * stride).reshape(1, -1, 2))
            size = made[..., 2:4].reshape(1, 3, -1, 2) * 2
            sizes.append((size**2 * torch.tensor(shapes).view(1, 3, 1, 2)).reshape(1, -1, 2))
            scores.append(made[..., 4:].reshape(1, -1, 1 + _CLASSES))
        middle, half = torch.cat(places, 1), torch.cat(sizes, 1) * 0.5
        sure, classes = torch.cat(scores, 1).split_with_sizes([1, _CLASSES], -1)
        best, label = classes.max(-1)
        corners = torch.cat([middle - half, middle + half], -1)
        return corners, best * sure.squeeze(-1), label.to(torch.uint8)

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        third = self.third(self.stem(image))
        fourth = self.fourth(third)
        fifth = self.pools(self.fifth(fourth))
        joined = self.up4(torch.cat([self.side4(fourth), doubled(self.reduce5(fifth))], 1))
        small = self.up3(torch.cat([self.side3(third), doubled(self.reduce4(joined))], 1))
        middle = self.again4(torch.cat([self.down3(small), joined], 1))
        return small, middle, self.again5(torch.cat([self.down4(middle), fifth], 1))
