"""What of an op's name and type is the network's, and what the compiler put there.

Seen in the vendor's files: `Conv_token_79_2` (ONNX Runtime's numbers of a copy and of its node),
`SystemService_ChunkPreload_12b6` and `$Const_11` (the id of the op, in hexadecimal). They move with every compile. Older
host SDKs wrote `Input OpId_2` where the vendor has `Input`.
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
"""Asked of every HTP op, and several times of every op of a network, of which there are a few hundred."""


@_kept
def of_network(op_type: str) -> bool:
    """Whether its author wrote ops of this type: not inputs and outputs, constants, or services of the runtime."""
    return op_type not in _BORDER and not _COMPILERS_OWN.match(op_type)


@_kept
def lasting_name(name: str) -> str:
    """The name without the numbers that move from compile to compile."""
    return _moving(name).sub("", name)


@_kept
def moving_numbers(name: str) -> tuple[int, ...]:
    """Those numbers: among ops of one lasting name they grow in the order of the network."""
    pattern = _moving(name)
    numbers = match.groups() if (match := pattern.search(name)) else ()
    return tuple(int(number, 16 if pattern is _ID else 10) for number in numbers if number)


@_kept
def border_name(name: str) -> str:
    """Inputs are one op in the vendor's files, and so are outputs: without the number. Other names as they are."""
    return lasting_name(name) if _of_border(name) else name


def _of_border(name: str) -> bool:
    return _NUMBERED_BORDER.sub("", name) in _BORDER


def _moving(name: str) -> re.Pattern[str]:
    if _of_border(name):
        return _NUMBERED_BORDER
    return _ID if _COMPILERS_OWN.match(name) else _TOKEN
