"""Runs and cells as they are stored."""
