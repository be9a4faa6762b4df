"""The answer of one check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was looked at, whether it is as a run needs it, and in a sentence how it is; if bad, with the next step."""

    what: str
    good: bool
    answer: str
