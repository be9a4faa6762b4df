"""From PyTorch modules to the two networks of examples/networks: a text encoder and an object detector, weights by seed.

    pip install torch onnx onnxscript
    python examples/export_pytorch.py examples/networks

The exporter writes into each node which module and line it comes from; `qhas show RUN --by module` adds up by that.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

WORDS, LENGTH, WIDTH, HEADS, BLOCKS, LABELS = 512, 64, 64, 4, 2, 8
IMAGE, CLASSES, ANCHORS = 128, 6, 3


class Attention(nn.Module):
    """Every word looks at all others."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = nn.Linear(WIDTH, 3 * WIDTH)
        self.given = nn.Linear(WIDTH, WIDTH)

    def forward(self, words: Tensor) -> Tensor:
        """Words and their result are 1 x LENGTH x WIDTH."""
        split = self.taken(words).reshape(1, LENGTH, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = split[0], split[1], split[2]
        weights = torch.softmax(query @ key.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5, dim=-1)
        return self.given((weights @ value).transpose(1, 2).reshape(1, LENGTH, WIDTH))


class Block(nn.Module):
    """Attention and two layers, each added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_layers = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.layers = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, words: Tensor) -> Tensor:
        """Words and their result are 1 x LENGTH x WIDTH."""
        words = words + self.attention(self.before_attention(words))
        return words + self.layers(self.before_layers(words))


class Encoder(nn.Module):
    """A text, as numbers of its words, to scores of labels."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Parameter(torch.randn(1, LENGTH, WIDTH) * 0.02)
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.label = nn.Linear(WIDTH, LABELS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens are 1 x LENGTH, scores 1 x LABELS."""
        return self.label(self.blocks(self.words(tokens) + self.places).mean(dim=1))


class Stage(nn.Sequential):
    """Half the size, twice the features."""

    def __init__(self, taken: int, made: int) -> None:
        super().__init__(
            nn.Conv2d(taken, made, 3, stride=2, padding=1),
            nn.BatchNorm2d(made),
            nn.ReLU(),
            nn.Conv2d(made, made, 3, padding=1),
            nn.BatchNorm2d(made),
            nn.ReLU(),
        )


class Detector(nn.Module):
    """Boxes and scores at two scales; what suppresses overlapping ones runs on the CPU."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Stage(3, 16), Stage(16, 32))
        self.fine, self.coarse = Stage(32, 48), Stage(48, 64)
        self.lateral = nn.Conv2d(64, 48, 1)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.boxes = nn.ModuleList(nn.Conv2d(made, ANCHORS * 4, 3, padding=1) for made in (48, 64))
        self.scores = nn.ModuleList(nn.Conv2d(made, ANCHORS * CLASSES, 3, padding=1) for made in (48, 64))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Of an image 1 x 3 x IMAGE x IMAGE, boxes (1 x N x 4) and scores of classes (1 x N x CLASSES)."""
        fine = self.fine(self.stem(image))
        coarse = self.coarse(fine)
        scales = (fine + self.upsample(self.lateral(coarse)), coarse)
        boxes = [_listed(head(scale), 4) for head, scale in zip(self.boxes, scales, strict=True)]
        scores = [_listed(head(scale), CLASSES) for head, scale in zip(self.scores, scales, strict=True)]
        return torch.cat(boxes, dim=1), torch.sigmoid(torch.cat(scores, dim=1))


def _listed(values: Tensor, each: int) -> Tensor:
    return values.permute(0, 2, 3, 1).reshape(1, -1, each)


def main(folder: Path) -> None:
    """Write encoder.onnx and detector.onnx."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(7)
    tokens, image = torch.randint(WORDS, (1, LENGTH)), torch.randn(1, 3, IMAGE, IMAGE)
    export(Encoder(), tokens, folder / "encoder.onnx", ["tokens"], ["labels"])
    export(Detector(), image, folder / "detector.onnx", ["image"], ["boxes", "scores"])


def export(module: nn.Module, sample: Tensor, path: Path, inputs: list[str], outputs: list[str]) -> None:
    """Through `torch.export`, which keeps the module path of every operation."""
    torch.onnx.export(
        module.eval(),
        (sample,),
        path,
        dynamo=True,
        external_data=False,
        input_names=inputs,
        output_names=outputs,
    )
    _shorten(path)


def _shorten(path: Path) -> None:
    """Leave this machine's folders out of the lines that the exporter names; what is PyTorch's own stays in /site-packages."""
    network = onnx.load(path)
    folders = [str(Path(torch.__file__).parents[2]), f"{Path(__file__).resolve().parent}/"]
    for part in (network, network.graph, *network.graph.node, *network.graph.value_info):
        for entry in part.metadata_props:
            for folder in folders:
                entry.value = entry.value.replace(folder, "")
    onnx.save(network, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
