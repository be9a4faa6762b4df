"""Text from outside (devices, tools, files, other users) where it meets a terminal, a log, a record or a spreadsheet."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_REPLACEMENT = "\ufffd"
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[\]P_^X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\n]*+(?:\x07|\x1b\\|\x9c)"
)
"""Colours, cursor movements, titles, links and pictures, as in ECMA-48: what a terminal obeys and nobody reads."""
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029"  # controls but tab and newline, and what else ends a line
    "\u061c\u200e\u200f\u202a-\u202e"  # direction
    # What nobody sees, Default_Ignorable_Code_Point of Unicode, but for what joins and varies characters of scripts.
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"  # halves of characters, and what is none
    "|(?<![^\x00-\x7f])[\u200c\u200d\ufe00-\ufe0f]"  # joins and variants of nothing
    f"|[{''.join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))}]"
)
_CELL = re.compile(r"(^|[;\t\n])(\s*+)([=+\-@＝＋－＠][^;\t\n]*+)?")
"""The begin of a cell and its formula, if it is one. Blanks are gone over once: each may end a cell."""
_NUMBER = re.compile(r"[+-]?(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?", re.ASCII)


def shown(text: str) -> str:
    """The text with nothing in it that a terminal obeys or that makes it look like another one. Lines and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSHOWN.sub(_REPLACEMENT, _SEQUENCE.sub("", text.replace("\r\n", "\n")))


ShownText = Annotated[str, AfterValidator(shown)]
"""Text from outside as a field of a record."""


def one_line(text: str) -> str:
    """The text as `shown`, its line ends and tabs as blanks."""
    return re.sub(r"[\t\r\n]", " ", shown(text))


def csv_cell(value: object) -> object:
    """A value as a spreadsheet may open it: what it would take for a formula begins with an apostrophe.

    Also behind blanks, and behind what other spreadsheets take for the end of a cell. Numbers, and texts that are
    numbers, stay as they are.
    """
    return _CELL.sub(_quoted, shown(value)) if isinstance(value, str) else value


def _quoted(match: re.Match[str]) -> str:
    separator, blanks, formula = match.groups()
    return match[0] if not formula or _NUMBER.fullmatch(formula.strip()) else f"{separator}'{blanks}{formula}"


def reason_of(error: Exception) -> str:
    """Why something of the operating system's was refused, without its number and the path; of other errors their text."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
