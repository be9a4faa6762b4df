"""The reason why there are no figures."""

from __future__ import annotations


class BenchFailed(Exception):
    """A measurement was not completed, or contenders did different work. The message is for users."""
