"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was checked, whether it is as a run needs it, and a sentence on its state; if bad, with the next step."""

    what: str
    good: bool
    answer: str
