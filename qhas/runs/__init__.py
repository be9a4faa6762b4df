"""Runs and cells as they are stored."""

LATEST = "latest"
"""Stands for the run that began last."""
