"""Which tensor of one network is which of another, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def matched(names: Iterable[str], others: Mapping[str, T]) -> dict[str, T] | None:
    """What each name stands for among others: of the same letters and digits, or the only one. None unless all have one.

    Converters and file systems write other signs in the names of tensors.
    """
    listed = list(names)
    if len(listed) == len(others) == 1:
        return dict(zip(listed, others.values(), strict=True))
    plain: dict[str, list[T]] = {}
    for other, value in others.items():
        plain.setdefault(_plain(other), []).append(value)
    pairs = {name: plain.get(_plain(name), []) for name in listed}
    if len(set(map(_plain, pairs))) < len(listed) or any(len(each) != 1 for each in pairs.values()):
        return None
    return {name: value for name, (value,) in pairs.items()}


def _plain(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")
