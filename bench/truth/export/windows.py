"""Swin's windowed attention with tensors of at most five dimensions, as the HTP requires and as published."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torchvision.models.swin_transformer import PatchMerging, ShiftedWindowAttention

_WIDEST = 512
"""Most channels in a matrix product: the published networks split wider ones."""


def publishable(network: nn.Module) -> nn.Module:
    """Replace the network's attention and the linear layers of its patch mergers; return the network."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ShiftedWindowAttention):
                setattr(module, name, Windows(child))
            elif isinstance(child, nn.Linear) and isinstance(module, PatchMerging):
                setattr(module, name, Split(child))
    return network


class Split(nn.Module):
    """A linear layer split into pieces."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, value: Tensor) -> Tensor:
        """Return the same value as the linear layer."""
        return _split(value, self.linear.weight, self.linear.bias)


def _split(value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    pieces = -(-int(weight.shape[0]) // _WIDEST)
    biases = bias.chunk(pieces) if bias is not None else [None] * pieces
    made = [_narrow(value, part, of) for part, of in zip(weight.chunk(pieces), biases, strict=True)]
    return made[0] if pieces == 1 else torch.cat(made, -1)


def _narrow(value: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    pieces = -(-int(weight.shape[1]) // _WIDEST)
    if pieces == 1:
        return functional.linear(value, weight, bias)
    parts = zip(value.chunk(pieces, -1), weight.chunk(pieces, 1), strict=True)
    first, *others = [functional.linear(part, of) for part, of in parts]
    for other in others:
        first = first + other
    return first if bias is None else first + bias


class Windows(nn.Module):
    """Attention inside the windows of an image; the windows may be shifted."""

    def __init__(self, model: ShiftedWindowAttention) -> None:
        super().__init__()
        self.model = model

    def forward(self, value: Tensor) -> Tensor:
        """Return the value in its original shape: batch, height, width, channels."""
        model, (batch, height, width, channels) = self.model, map(int, value.shape)
        side = model.window_size[0]
        value = functional.pad(value, (0, 0, 0, -width % side, 0, -height % side))
        tall, wide = height + -height % side, width + -width % side
        shifts = [
            0 if side >= size else shift for size, shift in zip((tall, wide), model.shift_size, strict=True)
        ]
        if sum(shifts):
            value = torch.roll(value, shifts=(-shifts[0], -shifts[1]), dims=(1, 2))
        rows, columns = tall // side, wide // side
        value = value.view(batch * rows, side, columns, side * channels)
        value = value.permute(0, 2, 1, 3).reshape(batch * rows * columns, side * side, channels)
        mask = _mask(tall, wide, side, shifts) if sum(shifts) else None
        value = self._attended(value, mask)
        value = value.view(batch * rows, columns, side, side * channels)
        value = value.permute(0, 2, 1, 3).reshape(batch, tall, wide, channels)
        if sum(shifts):
            value = torch.roll(value, shifts=(shifts[0], shifts[1]), dims=(1, 2))
        return value[:, :height, :width, :].contiguous()

    def _attended(self, value: Tensor, mask: Tensor | None) -> Tensor:
        model, (windows, tokens, channels) = self.model, map(int, value.shape)
        weights = model.qkv.weight.split(channels)
        biases = model.qkv.bias.split(channels)
        query, key, content = (
            _split(value, weight, bias)
            .reshape(windows, tokens, model.num_heads, channels // model.num_heads)
            .permute(0, 2, 1, 3)
            for weight, bias in zip(weights, biases, strict=True)
        )
        score = (query * (channels // model.num_heads) ** -0.5).matmul(key.transpose(-2, -1))
        score = score + model.get_relative_position_bias()
        if mask is not None:
            score = score.view(1, windows, model.num_heads, tokens * tokens) + mask
            score = score.view(-1, model.num_heads, tokens, tokens)
        value = score.softmax(-1).matmul(content).transpose(1, 2).reshape(windows, tokens, channels)
        return functional.linear(value, model.proj.weight, model.proj.bias)


def _mask(tall: int, wide: int, side: int, shifts: list[int]) -> Tensor:
    """Return the constant that is added to scores between parts of a window that are not neighbours in the image."""
    area = torch.zeros(tall, wide)
    for number, (row, column) in enumerate((row, column) for row in range(3) for column in range(3)):
        area[_third(row, side, shifts[0]), _third(column, side, shifts[1])] = number
    rows, columns = tall // side, wide // side
    area = area.view(rows, side, columns, side).permute(0, 2, 1, 3).reshape(rows * columns, side * side)
    apart = area.unsqueeze(1) != area.unsqueeze(2)
    return torch.where(apart, -100.0, 0.0).reshape(1, rows * columns, 1, -1)


def _third(part: int, side: int, shift: int) -> slice:
    return (slice(0, -side), slice(-side, -shift), slice(-shift, None))[part]
