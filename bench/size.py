"""How much is measured."""

from __future__ import annotations

from enum import StrEnum


class Size(StrEnum):
    """Figures for documents come from the largest a machine has time for; a change is tried with the smallest."""

    QUICK = "quick"
    """A minute or two a bench: whether it works, and figures to one digit."""
    NORMAL = "normal"
    """Minutes a bench."""
    FULL = "full"
    """Also what takes half an hour."""
