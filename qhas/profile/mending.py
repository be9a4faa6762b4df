"""JSON as programs print it by mistake: numbers that are not numbers, bytes and escapes that a string may not contain.

Tools that put numbers and names into JSON with `printf` write such values. Their meaning is plain, so a reader accepts
them and says where they are: a number that is not one becomes null, a stray backslash a literal one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

_TOKEN = re.compile(
    rb'(?P<string>"(?:[^"\\]|\\.)*+")'
    rb"|(?<![\w.])(?P<number>[+-]?(?:nan|inf(?:inity)?|1\.#[a-z]+)(?:\(\w*\))?)(?![\w.])"
    rb"|(?<![\w.+-])(?P<large>-?(?:\d{309,}|\d+(?:\.\d+)?e\+?\d{2,})(?:\.\d+)?)(?![\w.])",
    re.DOTALL | re.IGNORECASE,
)
_IN_STRING = re.compile(
    rb"(?P<pair>\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb'|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|(?P<stray>\\)|(?P<control>[\x00-\x1f])',
    re.DOTALL,
)
_SUSPECT = re.compile(rb"[\\\x00-\x1f]")
_ESCAPED_END = re.compile(rb'(?<!\\)(?:\\\\)*+(?P<stray>\\)"(?=[ \t\r\n]*+[,:}\]])')
_UNFINISHED = re.compile(r"[\w+.-]*")


class Oddity(NamedTuple):
    """Something that JSON does not allow, and its byte position in the text."""

    what: str
    at: int


class Mended(NamedTuple):
    """A value and what was odd about it."""

    value: Any
    oddities: list[Oddity]


def mended(text: bytes) -> Mended | None:
    """Parse a text that is JSON except for such mistakes; None if anything else is wrong with it."""
    return _parsed(*_without_oddities(text))


def mended_prefix(text: bytes, end_of_value: Callable[[bytes, int], int]) -> tuple[Mended, int] | None:
    """Parse, as `mended` does, the value that a text begins with, and return its length too.

    A backslash before the quote that ends a string is treated as stray, although to JSON the string would continue.
    """
    strays = [match.start("stray") for match in _ESCAPED_END.finditer(text)]
    doubled = _ESCAPED_END.sub(lambda match: match[0][:-1] + b'\\"', text)
    end = end_of_value(doubled, 0) if strays else 0
    result = (_parsed(doubled[:end], []) or mended(doubled[:end])) if end else None
    if not result:
        return None

    def in_text(at: int) -> int:
        return at - sum(stray + place < at for place, stray in enumerate(strays))

    length = in_text(end)
    oddities = [Oddity("a backslash that escapes nothing", at) for at in strays if at < length]
    oddities += [Oddity(what, in_text(at)) for what, at in result.oddities]
    return Mended(result.value, oddities), length


def first_fault(text: bytes) -> Oddity | None:
    """Return where a text stops being JSON; None if it merely ends too early."""
    try:
        json.loads(text.decode("latin-1"), strict=False, parse_int=float)  # float accepts any length
    except json.JSONDecodeError as error:
        if _UNFINISHED.fullmatch(error.doc, error.pos) or error.msg.startswith("Unterminated"):
            return None
        return Oddity(error.msg[:1].lower() + error.msg[1:], error.pos)
    except RecursionError:
        return Oddity("it is nested too deeply", 0)
    return None


def _parsed(text: bytes, oddities: list[Oddity]) -> Mended | None:
    try:
        return Mended(orjson.loads(text), oddities)
    except orjson.JSONDecodeError:
        return None


def _without_oddities(text: bytes) -> tuple[bytes, list[Oddity]]:
    oddities: list[Oddity] = []

    def token(match: re.Match[bytes]) -> bytes:
        if match["number"]:
            oddities.append(Oddity(f"an invalid number ({match['number'].decode()})", match.start()))
            return b"null"
        if match["large"]:
            if math.isfinite(float(match["large"])):
                return match[0]
            oddities.append(Oddity("a number that is too large", match.start()))
            return b"null"
        if not _SUSPECT.search(match[0]):
            return match[0]
        return _IN_STRING.sub(lambda character: escape(character, match.start()), match[0])

    def escape(match: re.Match[bytes], start: int) -> bytes:
        at = start + match.start()
        if match["half"]:
            oddities.append(Oddity("half of a surrogate pair", at))
            return b"\\ufffd"
        if match["stray"]:
            oddities.append(Oddity("a backslash that escapes nothing", at))
            return b"\\\\"
        if match["control"]:
            oddities.append(Oddity(f"a control character (0x{match[0][0]:02x})", at))
            return b"\\u%04x" % match[0][0]
        return match[0]

    repaired = _TOKEN.sub(token, text)
    try:
        text.decode()
    except UnicodeDecodeError as error:
        oddities.append(Oddity(f"a byte that is not UTF-8 (0x{text[error.start]:02x})", error.start))
        repaired = repaired.decode("utf-8", "replace").encode()
    return repaired, sorted(oddities, key=lambda oddity: oddity.at)
