"""Where figures come from."""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """Where figures come from. Figures of different origins never share a column."""

    DEVICE = "device"
    """Measured on a phone or a board."""
    SIMULATOR = "simulator"
    """Estimated on this host; never measured."""
