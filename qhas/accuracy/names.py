"""Matching the tensors of one network to those of another, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


def matched(names: Iterable[str], others: Mapping[str, T]) -> dict[str, T] | None:
    """Map each name to its counterpart among others, by equal letters and digits; None unless all have exactly one.

    If there is only one on each side, they match whatever their names. Converters and file systems replace other
    characters in the names of tensors.
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
