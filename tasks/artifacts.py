"""What Prefect's artifacts are called, and text in them."""

from __future__ import annotations

import re


def artifact_key(name: str) -> str:
    """The name as a key: Prefect's hold lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def as_text(text: str) -> str:
    """Text that the UI's Markdown shows as it is: names of ops, messages of tools."""
    return re.sub(r"([\\`*_<\[\]|])", r"\\\1", text)
