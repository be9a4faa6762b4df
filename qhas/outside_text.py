"""Text from outside (devices, tools, files, other users) where it meets a terminal, a log, a record or a spreadsheet."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_REPLACEMENT = "\ufffd"
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)"
)
"""Colours, cursor movements, titles and links, as in ECMA-48: what a terminal obeys and nobody reads."""
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls of ASCII but tab and newline, and those of C1
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # direction, and what has no width
    "\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"  # halves of characters, tags
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


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
    """A value as a spreadsheet may open it: text that it would take for a formula begins with an apostrophe.

    Numbers, and texts that are numbers, stay as they are.
    """
    if not isinstance(value, str):
        return value
    text = shown(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text, re.ASCII) is not None
