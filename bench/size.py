"""How much is measured."""

from __future__ import annotations

from enum import StrEnum


class Size(StrEnum):
    """Sizes: the largest a machine has time for is for figures in documents, the smallest for trying a change."""

    QUICK = "quick"
    """A minute or two per bench: whether it works, and figures to one digit."""
    NORMAL = "normal"
    """Minutes per bench."""
    FULL = "full"
    """Including what takes half an hour."""
