"""GPUNet-0: inverted residuals whose first convolution is fused with the depthwise one at the large sizes."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from bench.truth.export.blocks import normed


class _Gate(nn.Module):
    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, inner, 1), nn.ReLU(), nn.Conv2d(inner, channels, 1), nn.Sigmoid()
        )

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = value * self.layers(value.mean((2, 3), keepdim=True))
        return made


class _Residual(nn.Module):
    def __init__(self, layers: nn.Sequential, *, skip: bool) -> None:
        super().__init__()
        self.layers, self.skip = layers, skip

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.layers(value)
        return made + value if self.skip else made


def _fused(channels: int, out: int, stride: int) -> _Residual:
    """Return a fused block. It has no padding if it halves the size: that is how it was published."""
    inner = 5 * channels
    first = nn.Sequential(
        nn.Conv2d(channels, inner, 3, stride, int(stride == 1), bias=False), nn.BatchNorm2d(inner), nn.ReLU()
    )
    layers = nn.Sequential(first, normed(inner, out, 1, activation=nn.Identity()))
    return _Residual(layers, skip=stride == 1 and channels == out)


def _inverted(channels: int, out: int, stride: int, activation: type[nn.Module], *, gate: bool) -> _Residual:
    inner = 5 * channels
    layers = nn.Sequential(
        normed(channels, inner, 1, activation=activation()),
        normed(inner, inner, 3, stride, groups=inner, activation=activation()),
        _Gate(inner, round(inner * 0.05)) if gate else nn.Identity(),
        normed(inner, out, 1, activation=nn.Identity()),
    )
    return _Residual(layers, skip=stride == 1 and channels == out)


class GpuNet(nn.Module):
    """1,000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            normed(3, 32, 3, 2, activation=nn.SiLU()),
            normed(32, 32),
            normed(32, 32),
            *self._blocks(),
            normed(704, 1280, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(1280, 1000),
        )

    @staticmethod
    def _blocks() -> Iterator[nn.Module]:
        for channels, out, stride in ((32, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1)):
            yield _fused(channels, out, stride)
        for channels, out, stride in ((64, 256, 2), (256, 256, 1), (256, 256, 1)):
            yield _inverted(channels, out, stride, nn.SiLU, gate=False)
        for channels, out, stride in ((256, 704, 2), (704, 704, 1)):
            yield _inverted(channels, out, stride, nn.ReLU, gate=True)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits as one row."""
        made: Tensor = self.layers(image)
        return made
