"""Simulated language models compared with measured ones."""
