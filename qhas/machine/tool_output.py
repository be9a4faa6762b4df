"""What a tool printed, from the file with its output. Only the end is read, since the file may be of any size."""

from __future__ import annotations

import re
from pathlib import Path

from qhas.machine.secrets import masked_text
from qhas.outside_text import shown

ERROR_LINE = re.compile(r"error_code=(?P<code>\d+);\s*error_message=(?P<message>[^;\n]*)")
"""SNPE's error format."""
_TAIL_BYTES = 256 << 10
_LONGEST_LINE = 2000
_LONGEST_WORDS = 600


def tail(output: Path) -> str:
    """Return the end of the output as text without secrets: tools print variables and addresses passed to them."""
    with output.open("rb") as source:
        source.seek(max(0, output.stat().st_size - _TAIL_BYTES))
        return masked_text(source.read().decode("utf-8", errors="replace"))


def last_line(text: str) -> str | None:
    """Return the last line that is not blank."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_LINE] if lines else None


def last_words(output: Path) -> str:
    """Return the tool's last error message, else its last line; without a full stop, to end a sentence of ours."""
    text = shown(tail(output))
    errors = list(ERROR_LINE.finditer(text))
    words = errors[-1]["message"].strip() if errors else last_line(text) or "the tool said nothing"
    return words[-_LONGEST_WORDS:].rstrip(".")
