"""Text from outside in Markdown, as GitHub, GitLab and the Prefect UI render it: no markup of it counts, and nobody is called."""

from __future__ import annotations

import re

from qhas.outside_text import shown

_MARKUP = re.compile(r"[\\`*\[\]|~$#]|(?<![^\W_])_|_(?![^\W_])")
_OF_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CALLS = re.compile(r"([@#])(?=\w)")
"""Names of users and of issues, which are links though escaped; what has no width ends them."""
_BEGINS_BLOCK = re.compile(r"^(\d{0,9})(?=[.)+-](?: |$)|[-=+]{2})")


def as_text(text: str) -> str:
    """One line that is shown as it stands, also at the beginning of a line and in a cell of a table."""
    line = " ".join(shown(text).split())
    line = _MARKUP.sub(r"\\\g<0>", line)
    line = re.sub(r"[&<>]", lambda match: _OF_HTML[match[0]], line)
    return _BEGINS_BLOCK.sub(r"\1\\", _CALLS.sub(r"\1&ZeroWidthSpace;", line))


def as_code(text: str) -> str:
    """The same as code: a path, an address, a revision. Its backticks become apostrophes, for nothing escapes them there."""
    line = " ".join(shown(text).split()).replace("`", "'").replace("|", "\\|")
    return f"`{line}`" if line else ""
