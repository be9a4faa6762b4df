"""The signals by which a tool is asked to end."""

from __future__ import annotations

import signal

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals on which it kills its child and leaves nothing behind."""
