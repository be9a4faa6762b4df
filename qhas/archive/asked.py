"""What a caller gives for a name."""

from __future__ import annotations

from qhas.failures import InvalidInput


def asked(name: object, what: str, example: str) -> str:
    """The name as text. Raises InvalidInput for what is none, and for an empty one."""
    if isinstance(name, str) and name.strip():
        return name
    raise InvalidInput(f"{what} is named in a str, as in {example!r}, and this is {name!r}.")
