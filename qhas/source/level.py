"""What the ops of an inference are summed over."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """What a row stands for."""

    NODE = "node"
    MODULE = "module"
