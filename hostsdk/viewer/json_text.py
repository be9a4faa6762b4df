"""JSON the way the vendor lays it out, fast: the standard library's indenting encoder is written in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

_compact = json.JSONEncoder(allow_nan=False).encode


def compact(value: Any) -> str:
    """One line, a blank after every comma and colon; raises ValueError for NaN and infinities."""
    return _compact(value)


def indented(value: Any, margin: str = "") -> Iterator[str]:
    """Objects and lists of objects indented by four blanks, lists of plain values on one line.

    Raises ValueError for NaN and infinities.
    """
    deeper = margin + "    "
    if isinstance(value, Mapping) and value:
        separator = "{\n"
        for key, item in value.items():
            yield f"{separator}{deeper}{encode_basestring_ascii(key)}: "
            yield from _value(item, deeper)
            separator = ",\n"
        yield f"\n{margin}}}"
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        separator = "[\n"
        for item in value:
            yield separator + deeper
            yield from _value(item, deeper)
            separator = ",\n"
        yield f"\n{margin}]"
    else:
        yield compact(value)


def _value(item: Any, margin: str) -> Iterator[str]:
    kind = type(item)
    if kind is str:
        yield encode_basestring_ascii(item)
    elif kind is int:
        yield repr(item)
    else:
        yield from indented(item, margin)
