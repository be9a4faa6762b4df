"""YOLOX-S: anchor-free boxes from features of three sizes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.truth.export.blocks import Bottleneck, doubled, smooth

_CLASSES = 80


class _Partial(nn.Module):
    """One half goes through bottlenecks, the other bypasses them."""

    def __init__(self, channels: int, out: int, depth: int, *, skip: bool) -> None:
        super().__init__()
        self.through, self.past = smooth(channels, out // 2), smooth(channels, out // 2)
        self.blocks = nn.Sequential(*(Bottleneck(out // 2, skip=skip, first=1) for _ in range(depth)))
        self.last = smooth(out, out)

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.last(torch.cat([self.blocks(self.through(value)), self.past(value)], 1))
        return made


class _Pyramid(nn.Module):
    """Pools of three sizes, joined with the value itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.last = smooth(channels, channels // 2), smooth(channels * 2, channels)

    def forward(self, value: Tensor) -> Tensor:
        value = self.first(value)
        pools = [functional.max_pool2d(value, size, 1, size // 2) for size in (5, 9, 13)]
        made: Tensor = self.last(torch.cat([value, *pools], 1))
        return made


class _Head(nn.Module):
    """Box, objectness and class of each position of one feature size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = smooth(channels, 128)
        self.of_class, self.of_box = (
            nn.Sequential(smooth(128, 128, 3), smooth(128, 128, 3)) for _ in range(2)
        )
        self.classes, self.box, self.object = (nn.Conv2d(128, out, 1) for out in (_CLASSES, 4, 1))

    def forward(self, value: Tensor) -> tuple[Tensor, Tensor]:
        stem = self.stem(value)
        box = self.of_box(stem)
        scores = torch.cat([self.object(box).sigmoid(), self.classes(self.of_class(stem)).sigmoid()], 1)
        return self.box(box), scores


class YoloX(nn.Module):
    """Corners in pixels, scores and classes of 8,400 boxes of a 640 x 640 image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = smooth(12, 32, 3)
        self.dark2 = nn.Sequential(smooth(32, 64, 3, 2), _Partial(64, 64, 1, skip=True))
        self.dark3 = nn.Sequential(smooth(64, 128, 3, 2), _Partial(128, 128, 3, skip=True))
        self.dark4 = nn.Sequential(smooth(128, 256, 3, 2), _Partial(256, 256, 3, skip=True))
        self.dark5 = nn.Sequential(smooth(256, 512, 3, 2), _Pyramid(512), _Partial(512, 512, 1, skip=False))
        self.lateral, self.reduce = smooth(512, 256), smooth(256, 128)
        self.up4, self.up3 = _Partial(512, 256, 1, skip=False), _Partial(256, 128, 1, skip=False)
        self.down3, self.down4 = smooth(128, 128, 3, 2), smooth(256, 256, 3, 2)
        self.again4, self.again5 = _Partial(256, 256, 1, skip=False), _Partial(512, 512, 1, skip=False)
        self.heads = nn.ModuleList(_Head(channels) for channels in (128, 256, 512))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes, scores and classes, for batch 1."""
        boxes, scores = [], []
        for head, value, stride in zip(self.heads, self._sizes(image * 255), (8, 16, 32), strict=True):
            box, score = head(value)
            rows, columns = box.shape[2:]
            y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            place = torch.stack([x, y], 2).view(1, -1, 2).float()
            box = box.flatten(2).permute(0, 2, 1)
            boxes.append(torch.cat([box[..., :2] + place, box[..., 2:].exp()], -1) * stride)
            scores.append(score.flatten(2).permute(0, 2, 1))
        box, score = torch.cat(boxes, 1), torch.cat(scores, 1)
        middle, half = box[..., :2], box[..., 2:] / 2
        best, label = score[..., 1:].max(-1)
        return torch.cat([middle - half, middle + half], -1), best * score[..., 0], label.to(torch.int32)

    def _sizes(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        corners = [image[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        third = self.dark3(self.dark2(self.stem(torch.cat(corners, 1))))
        fourth = self.dark4(third)
        fifth = self.lateral(self.dark5(fourth))
        joined = self.reduce(self.up4(torch.cat([doubled(fifth), fourth], 1)))
        small = self.up3(torch.cat([doubled(joined), third], 1))
        middle = self.again4(torch.cat([self.down3(small), joined], 1))
        large = self.again5(torch.cat([self.down4(middle), fifth], 1))
        return small, middle, large
