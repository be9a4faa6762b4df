"""Runs and cells as they are stored."""

LATEST = "latest"
"""Stands for the run that was started last."""
