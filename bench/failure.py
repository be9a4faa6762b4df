"""Why there are no figures."""

from __future__ import annotations


class BenchFailed(Exception):
    """A measurement did not come to its end, or contenders did different work. The message is for the reader."""
