"""How a tool is asked to end."""

from __future__ import annotations

import signal

ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals at which it takes its child along and leaves nothing behind."""
