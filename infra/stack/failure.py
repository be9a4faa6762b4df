"""The reasons why a stack does not start."""

from __future__ import annotations


class StackFailed(Exception):
    """A part could not be started, or did not answer. The message is one sentence for the user."""


class PortTaken(StackFailed):
    """A port that was free when it was chosen has been taken by another program."""
