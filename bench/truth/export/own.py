"""Networks that no library has: super-resolution, denoising, segmentation."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


def _conv(channels: int, out: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, padding=kernel // 2)


class UNet(nn.Module):
    """Five levels, with transposed convolutions on the way up."""

    def __init__(self) -> None:
        super().__init__()
        widths = [64, 128, 256, 512, 1024]
        self.first = _twice(3, 64)
        self.down = nn.ModuleList(_twice(widths[level], widths[level + 1]) for level in range(4))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(widths[level + 1], widths[level], 2, 2) for level in range(4)
        )
        self.joined = nn.ModuleList(_twice(widths[level + 1], widths[level]) for level in range(4))
        self.last = nn.Conv2d(64, 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores of two classes per pixel."""
        levels = [self.first(image)]
        for block in self.down:
            levels.append(block(functional.max_pool2d(levels[-1], 2)))
        value = levels[-1]
        for level in (3, 2, 1, 0):
            value = self.joined[level](torch.cat([levels[level], self.up[level](value)], 1))
        made: Tensor = self.last(value)
        return made


def _twice(channels: int, out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (channels, out):
        layers += [nn.Conv2d(width, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(True)]
    return nn.Sequential(*layers)


class DnCnn(nn.Module):
    """Seventeen convolutions that predict the noise."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(1, 64), nn.ReLU(True)]
        for _ in range(15):
            layers += [_conv(64, 64), nn.ReLU(True)]
        self.noise = nn.Sequential(*layers, _conv(64, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the image without the noise."""
        return (image - self.noise(image)).clamp(0, 1)


class QuickSrNet(nn.Module):
    """Plain convolutions, clipped to 0 to 1, that enlarge four times; the skip is folded into them."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList([_conv(3, width), *(_conv(width, width) for _ in range(depth))])
        self.last = _conv(width, 48)

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        for convolution in self.convolutions:
            image = functional.hardtanh(convolution(image), 0, 1)
        return functional.pixel_shuffle(self.last(image), 4).clamp(0, 1)


class Xlsr(nn.Module):
    """Grouped and 1x1 convolutions in parallel with a plain one, enlarging four times."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, 32), nn.ReLU(), _conv(32, 32, 1)]
        for _ in range(3):
            layers += [nn.Conv2d(32, 32, 3, padding=1, groups=4), nn.ReLU(), _conv(32, 32, 1)]
        self.body, self.beside = nn.Sequential(*layers), _conv(3, 16)
        self.tail = nn.Sequential(_conv(48, 32, 1), nn.ReLU(), _conv(32, 48))

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        made = self.tail(torch.cat([self.body(image), self.beside(image)], 1))
        return functional.pixel_shuffle(made, 4).clamp(0, 1)


def _linear(channels: int, out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 256, kernel, padding=kernel // 2, bias=False), nn.Conv2d(256, out, 1)
    )


class Sesr(nn.Module):
    """Five wide linear blocks as trained, not collapsed; the repeated image is added."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = _linear(3, 16, 5), _linear(16, 48, 5)
        self.blocks = nn.ModuleList(_linear(16, 16, 3) for _ in range(5))
        self.repeated = nn.Conv2d(3, 48, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        first = functional.relu(self.first(image))
        value = first
        for block in self.blocks:
            value = functional.relu(value + block(value))
        return functional.pixel_shuffle(self.last(value + first) + self.repeated(image), 4)


class SrVgg(nn.Module):
    """33 convolutions with PReLU; the enlarged image is added."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, 64), nn.PReLU(64)]
        for _ in range(32):
            layers += [_conv(64, 64), nn.PReLU(64)]
        self.body = nn.Sequential(*layers, _conv(64, 48))

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        detail = functional.pixel_shuffle(self.body(image), 4)
        return detail + functional.interpolate(image, scale_factor=4, mode="nearest")


class _Dense(nn.Module):
    """Five convolutions, each of which reads all values before it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_conv(64 + 32 * at, 32 if at < 4 else 64) for at in range(5))

    def forward(self, value: Tensor) -> Tensor:
        parts = [value]
        for layer in self.layers[:4]:
            parts.append(functional.leaky_relu(layer(torch.cat(parts, 1)), 0.2))
        made: Tensor = self.layers[4](torch.cat(parts, 1)) * 0.2 + value
        return made


class _DenseTriple(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(_Dense() for _ in range(3)))

    def forward(self, value: Tensor) -> Tensor:
        made: Tensor = self.blocks(value) * 0.2 + value
        return made


class RrdbNet(nn.Module):
    """Residual dense blocks, then two enlargements."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = _conv(3, 64), _conv(64, 3)
        self.body = nn.Sequential(*(_DenseTriple() for _ in range(23)))
        self.after = _conv(64, 64)
        self.up = nn.ModuleList(_conv(64, 64) for _ in range(2))
        self.high = _conv(64, 64)

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        first = self.first(image)
        value = first + self.after(self.body(first))
        for convolution in self.up:
            enlarged = functional.interpolate(value, scale_factor=2, mode="nearest")
            value = functional.leaky_relu(convolution(enlarged), 0.2)
        made: Tensor = self.last(functional.leaky_relu(self.high(value), 0.2))
        return made.clamp(0, 1)


class SrResNet(nn.Module):
    """The generator of SRGAN: sixteen residual blocks with PReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(_conv(3, 64, 9), nn.PReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(64, 64), nn.BatchNorm2d(64), nn.PReLU(), _conv(64, 64), nn.BatchNorm2d(64))
            for _ in range(16)
        )
        self.after = nn.Sequential(_conv(64, 64), nn.BatchNorm2d(64))
        self.up = nn.Sequential(
            *(nn.Sequential(_conv(64, 256), nn.PixelShuffle(2), nn.PReLU()) for _ in range(2))
        )
        self.last = _conv(64, 3, 9)

    def forward(self, image: Tensor) -> Tensor:
        """Return the enlarged image."""
        first = self.first(image)
        value = first
        for block in self.blocks:
            value = value + block(value)
        made: Tensor = self.last(self.up(first + self.after(value)))
        return made
