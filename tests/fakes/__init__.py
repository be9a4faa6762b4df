"""Fakes for testing a rack without an SDK or devices. See README.md."""
