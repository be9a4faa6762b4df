"""Checks of the names that a caller passes."""

from __future__ import annotations

from qhas.failures import InvalidInput


def asked(name: object, what: str, example: str) -> str:
    """Return the name. Raises InvalidInput if it is not a str or is blank."""
    if isinstance(name, str) and name.strip():
        return name
    raise InvalidInput(f"{what} must be given as a str, as in {example!r}, not as {name!r}.")
