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


def smooth(channels: int, out: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """The same with SiLU."""
    return normed(channels, out, kernel, stride, activation=nn.SiLU())


class Bottleneck(nn.Module):
    """Two such convolutions, the second of 3x3, and what went in on top where it is to `skip` them."""

    def __init__(self, channels: int, *, skip: bool, first: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(smooth(channels, channels, first), smooth(channels, channels, 3))
        self.skip = skip

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.layers(value)
        return made + value if self.skip else made


class Residual(nn.Module):
    """The basic block of ResNet."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            normed(channels, out, 3, stride), normed(out, out, activation=nn.Identity())
        )
        same = channels == out and stride == 1
        self.skip = nn.Identity() if same else normed(channels, out, 1, stride, activation=nn.Identity())

    def forward(self, value: Tensor) -> Tensor:
        return functional.relu(self.skip(value) + self.layers(value))


def separable(channels: int, out: int, stride: int = 1) -> nn.Sequential:
    """A depthwise 3x3 and a 1x1 convolution, each normalised, each with ReLU."""
    return nn.Sequential(normed(channels, channels, 3, stride, groups=channels), normed(channels, out, 1))


def resized(value: Tensor, other: Tensor, *, corners: bool = False) -> Tensor:
    """Bilinear, to the height and width of the other."""
    return functional.interpolate(value, size=other.shape[2:], mode="bilinear", align_corners=corners)


def doubled(value: Tensor) -> Tensor:
    """Twice as high and wide, each place repeated."""
    return functional.interpolate(value, scale_factor=2, mode="nearest")
