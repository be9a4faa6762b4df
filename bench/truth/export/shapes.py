"""Published forms of networks: their inputs, and what is done before and after the network itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn


class Scale(StrEnum):
    """How an image in the range 0 to 1 is scaled inside the network."""

    IMAGENET = "imagenet"
    """By the mean and deviation of ImageNet."""
    SIGNED = "signed"
    """To the range -1 to 1."""
    NONE = "none"


class _OfImage(nn.Module):
    """A network whose input image has channels last and is scaled inside."""

    def __init__(self, network: nn.Module, scale: Scale) -> None:
        super().__init__()
        self.network, self.scale = network, scale
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def scaled(self, image: Tensor) -> Tensor:
        """Return the scaled image, channels first."""
        value = image.permute(0, 3, 1, 2)
        if self.scale is Scale.IMAGENET:
            return (value - self.mean) / self.spread
        return value * 2 - 1 if self.scale is Scale.SIGNED else value


class Image(_OfImage):
    """The network's first output, or `every` one; as the best class per pixel (`classes`) or with channels `last`."""

    def __init__(
        self,
        network: nn.Module,
        scale: Scale,
        *,
        classes: bool = False,
        last: bool = False,
        every: bool = False,
    ) -> None:
        super().__init__(network, scale)
        self.classes, self.last, self.every = classes, last, every

    def forward(self, image: Tensor) -> Any:
        """Return the network's output for batch 1."""
        made = self.network(self.scaled(image))
        if self.every:
            return tuple(value.permute(0, 2, 3, 1) for value in made) if self.last else made
        first = _first(made)
        if self.classes:
            return first.argmax(1).to(torch.uint8)
        return first.permute(0, 2, 3, 1) if self.last else first


def _first(made: Any) -> Tensor:
    if isinstance(made, dict):
        made = next(made[name] for name in ("out", "logits", "predicted_depth") if made.get(name) is not None)
    if isinstance(made, (tuple, list)):
        made = made[0]
    value: Tensor = made
    return value


class Video(nn.Module):
    """A network of video, with channels before frames."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer(
            "mean", torch.tensor([0.432, 0.395, 0.376]).view(1, 3, 1, 1, 1), persistent=False
        )
        self.register_buffer(
            "spread", torch.tensor([0.228, 0.221, 0.217]).view(1, 3, 1, 1, 1), persistent=False
        )

    def forward(self, video: Tensor) -> Tensor:
        """Return the network's output for batch 1."""
        made: Tensor = self.network((video - self.mean) / self.spread)
        return made


class Detector(_OfImage):
    """Boxes in pixels, scores and labels of an image, for a fixed number of queries; the last class is `nothing`."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return boxes, scores and labels, for batch 1."""
        height, width = image.shape[1:3]
        made = self.network(self.scaled(image))
        scores, labels = made.logits.softmax(-1)[..., :-1].max(-1)
        middle, half = made.pred_boxes[..., :2], made.pred_boxes[..., 2:] / 2
        pixels = torch.cat([middle - half, middle + half], -1) * torch.tensor(
            [width, height, width, height], dtype=torch.float32
        )
        return pixels, scores, labels.to(torch.int32)


class FilledGap(nn.Module):
    """The token predicted for one place in a text."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, mask: Tensor, place: Tensor) -> Tensor:
        """Return the token, for batch 1; the mask is 1 where there is text."""
        logits = self.network(tokens, attention_mask=_added(mask)).logits
        found: Tensor = logits[torch.arange(1), place.to(torch.int64)].argmax(-1).to(torch.int32)
        return found


class ReplacedTokens(nn.Module):
    """Which tokens of a text were replaced."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return 1 for each replaced token, for batch 1."""
        logits: Tensor = self.network(tokens, attention_mask=_added(mask)).logits
        return (logits > 0).float()


class Sentence(nn.Module):
    """The mean of a text's tokens, normalised to length 1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Return the normalised mean, for batch 1."""
        value = self.network(tokens, attention_mask=_added(mask)).last_hidden_state
        weight = mask.unsqueeze(-1).float()
        mean = (value * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        return nn.functional.normalize(mean, p=2.0, dim=1)


def _added(mask: Tensor) -> Tensor:
    """Return the mask in the form that is added to attention scores.

    The libraries compute it in the same way themselves, and use a mask of four dimensions unchanged.
    """
    return (1 - mask.float())[:, None, None, :] * -100.0
