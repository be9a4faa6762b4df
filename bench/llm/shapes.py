"""Architectures of models that were measured: the figures of their published config.json files."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from qhas.llm.architecture import Architecture
from qhas.llm.parts import Question
from qhas.llm.recipe import Recipe

_TABLE = Path(__file__).with_name("shapes.tsv")


class Shape(NamedTuple):
    """An architecture, the context it was measured at, and the models that have it, as they are called in AI Hub."""

    name: str
    arch: Architecture
    context: int
    measured: tuple[str, ...]

    @property
    def question(self) -> Question:
        """As the published w4a16 models are made."""
        return Question(self.name, self.arch, Recipe(), (self.context,))


def shapes() -> list[Shape]:
    """All of them, the smallest first."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return [_shape(row) for row in csv.DictReader(file, delimiter="\t")]


def _shape(row: dict[str, str]) -> Shape:
    widths = {
        name: int(row[name])
        for name in ("hidden", "intermediate", "layers", "heads", "kv_heads", "head_dim", "vocabulary")
    }
    arch = Architecture.model_validate(
        widths
        | {
            "model_type": row["model_type"],
            "rotary": widths["head_dim"],
            "qkv_bias": row["model_type"] == "qwen2",
        }
    )
    return Shape(row["shape"], arch, int(row["context"]), tuple(row["measured"].split()))
