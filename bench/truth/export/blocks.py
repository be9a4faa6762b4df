"""What most convolutional networks are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


def normed(
    channels: int,
    out: int,
    kernel: int = 3,
    stride: int = 1,
    *,
    groups: int = 1,
    dilation: int = 1,
    activation: nn.Module | None = None,
) -> nn.Sequential:
    """A convolution that keeps the size (but for its stride), normalised, and an activation: ReLU by default; Identity for none."""
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU() if activation is None else activation,
    )


def separable(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    """A depthwise 3x3 and a 1x1 convolution, each normalised, each with ReLU."""
    return nn.Sequential(normed(channels, channels, 3, stride, groups=channels), normed(channels, out, 1))


def resized(value: Tensor, other: Tensor, *, corners: bool = False) -> Tensor:
    """Bilinear, to the height and width of the other."""
    return functional.interpolate(value, size=other.shape[2:], mode="bilinear", align_corners=corners)


def doubled(value: Tensor) -> Tensor:
    """Twice as high and wide, each place repeated."""
    return functional.interpolate(value, scale_factor=2, mode="nearest")
