"""Sweeps that are killed, starved and cut off, and readings of their store from outside."""
