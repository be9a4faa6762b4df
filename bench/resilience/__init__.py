"""Sweeps that are killed, starved and cut off, and their store read from outside."""
