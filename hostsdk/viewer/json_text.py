"""JSON in the vendor's layout, written fast: the standard library's indenting encoder is pure Python."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any

_compact = json.JSONEncoder(allow_nan=False).encode


def compact(value: Any) -> str:
    """Encode on one line, with a blank after every comma and colon; raises ValueError for NaN and infinities."""
    return _compact(value)


def indented(value: Any, margin: str = "") -> str:
    """Encode objects and lists of objects indented by four blanks, and lists of plain values on one line.

    Raises ValueError for NaN and infinities.
    """
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value)
    deeper = margin + "    "
    if isinstance(value, Mapping) and value:
        members = [f"{encode_basestring_ascii(key)}: {indented(item, deeper)}" for key, item in value.items()]
        return _block("{", members, "}", margin)
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return _block("[", [indented(item, deeper) for item in value], "]", margin)
    return compact(value)


def _block(opening: str, members: Sequence[str], closing: str, margin: str) -> str:
    separator = f",\n{margin}    "
    return f"{opening}{separator[1:]}{separator.join(members)}\n{margin}{closing}"


def _finite(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as JSON")
    return repr(value)


_PLAIN: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    int: repr,
    float: _finite,
    bool: lambda value: "true" if value else "false",
}
