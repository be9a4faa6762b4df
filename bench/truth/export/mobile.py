"""Networks on a MobileNet v1 that no library has in this form: poses (PoseNet) and sounds (YAMNet)."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from bench.truth.export.blocks import normed, separable

_STAGES = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Channels and stride of each separable convolution after the first, which has 32 channels and stride 2."""


def _plain(channels: int, out: int, kernel: int, stride: int, dilation: int, groups: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, dilation * (kernel // 2), dilation, groups), nn.ReLU6()
    )


class PoseNet(nn.Module):
    """17 points of a person: heat maps, offsets and displacements at a sixteenth of the size; normalisation folded."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(_plain(3, 32, 3, 2, 1, 1), *self._separable())
        self.heat = nn.Conv2d(1024, 17, 1)
        self.places = nn.ModuleList(nn.Conv2d(1024, channels, 1) for channels in (34, 32, 32))

    @staticmethod
    def _separable() -> Iterator[nn.Module]:
        channels, size, dilation = 32, 2, 1
        for out, stride in _STAGES:
            kept = size == 16
            yield _plain(channels, channels, 3, 1 if kept else stride, dilation, channels)
            yield _plain(channels, out, 1, 1, 1, 1)
            channels, size, dilation = out, min(16, size * stride), stride if kept else 1

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return heat maps, offsets, and forward and backward displacements."""
        value = self.body(image)
        return self.heat(value).sigmoid(), *(place(value) for place in self.places)


class YamNet(nn.Module):
    """521 classes of sound from 96 frames of 64 mel bands; strides pad as TensorFlow does, below and right."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [normed(1, 32, 3, 2)]
        channels = 32
        for out, stride in _STAGES:
            layers.append(separable(channels, out, stride))
            channels = out
        self.body = nn.Sequential(*layers)
        for module in self.body.modules():
            if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
                module.register_forward_pre_hook(
                    lambda _module, given: nn.functional.pad(given[0], (0, 1, 0, 1))
                )
                module.padding = (0, 0)
        self.classes = nn.Linear(1024, 521)

    def forward(self, sound: Tensor) -> Tensor:
        """Return a probability for each class."""
        made: Tensor = self.classes(self.body(sound).mean((2, 3))).sigmoid()
        return made
