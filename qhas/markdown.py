"""Text from outside in Markdown, as GitHub, GitLab and the Prefect UI render it: without markup and mentions."""

from __future__ import annotations

import re

from qhas.outside_text import shown

_MARKUP = re.compile(r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])")
_OF_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CALLS = re.compile(r"([@#])(?=\w)")
"""Mentions of users and issues, which become links even if escaped; a zero-width character breaks them."""
_BEGINS_BLOCK = re.compile(r"^(\d{0,9})(?=[.)+-](?: |$)|[-=+]{2})")


def as_text(text: str) -> str:
    """Return one line that is rendered literally, even at the start of a line or in a table cell."""
    line = " ".join(shown(text).split())
    line = _MARKUP.sub(r"\\\g<0>", line)
    line = re.sub(r"[&<>]", lambda match: _OF_HTML[match[0]], line)
    return _BEGINS_BLOCK.sub(r"\1\\", _CALLS.sub(r"\1&ZeroWidthSpace;", line))


def as_code(text: str) -> str:
    """Return the text as code: a path, an address, a revision.

    Its backticks become apostrophes, since nothing can escape them in code.
    """
    line = " ".join(shown(text).split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""
