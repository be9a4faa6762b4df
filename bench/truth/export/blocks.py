"""Building blocks of most convolutional networks."""

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
    """Return a convolution that keeps the size (except for its stride), batch normalisation, and an activation.

    The activation is ReLU by default; pass Identity for none.
    """
    padding = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU() if activation is None else activation,
    )


def smooth(channels: int, out: int, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Return `normed` with SiLU."""
    return normed(channels, out, kernel, stride, activation=nn.SiLU())


class Bottleneck(nn.Module):
    """Two `smooth` convolutions, the second 3x3; with `skip`, the input is added to the result."""

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
    """Return a depthwise 3x3 and a 1x1 convolution, each normalised and with ReLU."""
    return nn.Sequential(normed(channels, channels, 3, stride, groups=channels), normed(channels, out, 1))


def resized(value: Tensor, other: Tensor, *, corners: bool = False) -> Tensor:
    """Resize bilinearly to the height and width of `other`."""
    return functional.interpolate(value, size=other.shape[2:], mode="bilinear", align_corners=corners)


def doubled(value: Tensor) -> Tensor:
    """Double the height and width by repeating each pixel."""
    return functional.interpolate(value, scale_factor=2, mode="nearest")
