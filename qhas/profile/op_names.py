"""Which parts of an op's name and type come from the network, and which from the compiler.

Seen in the vendor's files: `Conv_token_79_2` (ONNX Runtime's numbers of a copy and of its node),
`SystemService_ChunkPreload_12b6` and `$Const_11` (the id of the op, in hexadecimal). These numbers change with every
compile. Older host SDKs wrote `Input OpId_2` where the vendor writes `Input`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"_token_(\d+)(?:_(\d+))?$")
_ID = re.compile(r"_([0-9a-f]+)$")
_NUMBERED_BORDER = re.compile(r" OpId_(\d+)$")
_COMPILERS_OWN = re.compile(r"SystemService(_|$)|\$")
_BORDER = frozenset({"Input", "Output"})
_kept = lru_cache(maxsize=1 << 14)
"""Cached: called for every HTP op, and several times for every op of a network, of which there are a few hundred."""


@_kept
def of_network(op_type: str) -> bool:
    """Whether ops of this type come from the network's author: not inputs, outputs, constants or runtime services."""
    return op_type not in _BORDER and not _COMPILERS_OWN.match(op_type)


@_kept
def lasting_name(name: str) -> str:
    """Return the name without the numbers that change from compile to compile."""
    return _moving(name).sub("", name)


@_kept
def moving_numbers(name: str) -> tuple[int, ...]:
    """Return those numbers: among ops with the same lasting name they increase in network order."""
    pattern = _moving(name)
    numbers = match.groups() if (match := pattern.search(name)) else ()
    return tuple(int(number, 16 if pattern is _ID else 10) for number in numbers if number)


@_kept
def border_name(name: str) -> str:
    """Return the name of an input or output without its number, and any other name unchanged.

    In the vendor's files all inputs are one op, and so are all outputs.
    """
    return lasting_name(name) if _of_border(name) else name


def _of_border(name: str) -> bool:
    return _NUMBERED_BORDER.sub("", name) in _BORDER


def _moving(name: str) -> re.Pattern[str]:
    if _of_border(name):
        return _NUMBERED_BORDER
    return _ID if _COMPILERS_OWN.match(name) else _TOKEN
