"""Simulated language models against measured ones."""
