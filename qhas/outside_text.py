"""Text from outside (devices, tools, files, other users) on its way to a terminal, a log, a record or a spreadsheet."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_REPLACEMENT = "\ufffd"
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]P_^X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\n]*+(?:\x07|\x1b\\|\x9c)"
)
"""Colours, cursor movements, titles, links and images, as in ECMA-48: commands to a terminal, not text."""
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # controls except tab and newline, and other line ends
    "\u061c\u200e\u200f\u202a-\u202e"  # direction
    # Invisible: Unicode's Default_Ignorable_Code_Point, except joiners and variation selectors of scripts.
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # surrogate halves and non-characters
    "|(?<![^\x00-\x7f])[\u200c\u200d\ufe00-\ufe0f]"  # joiners and variation selectors without a base
    f"|[{''.join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))}]"
)
_CELL = re.compile(r"(^|[;\t\n])(\s*+)([=+\-@＝＋－＠][^;\t\n]*+)?")
"""The start of a cell, and its formula if it has one. Blanks are scanned only once, though each may end a cell."""
_NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII)


def shown(text: str) -> str:
    """Return the text without anything that a terminal obeys or that disguises it. Lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSHOWN.sub(_REPLACEMENT, _SEQUENCE.sub("", text.replace("\r\n", "\n")))


ShownText = Annotated[str, AfterValidator(shown)]
"""Text from outside as a field of a record."""


def one_line(text: str) -> str:
    """Return the text as `shown` does, with line ends and tabs as blanks."""
    return re.sub(r"[\t\r\n]", " ", shown(text))


def csv_cell(value: object) -> object:
    """Return a value that a spreadsheet may open: a text that it would take for a formula gets an apostrophe.

    Also after blanks, and after what other spreadsheets take for the end of a cell. Numbers, and texts that are
    numbers, stay unchanged.
    """
    return _CELL.sub(_quoted, shown(value)) if isinstance(value, str) else value


def _quoted(match: re.Match[str]) -> str:
    separator, blanks, formula = match.groups()
    return match[0] if not formula or _NUMBER.fullmatch(formula.strip()) else f"{separator}'{blanks}{formula}"


def reason_of(error: Exception) -> str:
    """Return why the operating system refused something, without number and path; for other errors, their text."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
