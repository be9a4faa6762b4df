"""The command's output as rich tables."""
