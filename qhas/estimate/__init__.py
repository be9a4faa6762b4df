"""Simulated estimates of a network compiled in different ways: no device, no execution, every answer stored."""
