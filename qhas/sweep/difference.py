"""The differences between two specs, value by value, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qhas.machine.secrets import masked
from qhas.sweep.spec import SweepSpec

_LINES = 12
_NAMES = 6
_LENGTH = 100


def differences(before: SweepSpec, after: SweepSpec) -> list[str]:
    """Return a line per difference, as in `prepare.vtcm_mb: 8 -> 2` or `socs: + sa8797, - qcs9100`.

    If there are very many, only the first ones.
    """
    lines = list(_compare("", before.model_dump(mode="json"), after.model_dump(mode="json")))
    more = len(lines) - _LINES
    return [*lines[:_LINES], f"and {more} more"] if more > 0 else lines


def _compare(place: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _compare(f"{place}.{key}".lstrip("."), before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(place, before, after)
    else:
        yield f"{place}: {_shown(before)} -> {_shown(after)}"


def _compare_lists(place: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    """Yield what was added and removed; for items with names, also how those that stayed differ."""
    old, new = ({_name(item): item for item in items} for items in (before, after))
    came, went = [name for name in new if name not in old], [name for name in old if name not in new]
    if came or went:
        yield f"{place}: {', '.join([*_some('+', came), *_some('-', went)])}"
    elif list(old) != list(new):
        yield f"{place}: in a different order"
    for name in old:
        if name in new:
            yield from _compare(f"{place}.{name}", old[name], new[name])


def _name(item: Any) -> str:
    return str(item["name"]) if isinstance(item, dict) and "name" in item else _shown(item)


def _some(sign: str, names: list[str]) -> list[str]:
    more = len(names) - _NAMES
    return [f"{sign} {name}" for name in names[:_NAMES]] + ([f"{sign} {more} more"] if more > 0 else [])


def _shown(value: Any) -> str:
    if value is None:
        return "not given"
    if isinstance(value, dict):
        value = {key: each for key, each in value.items() if each is not None}
    text = value if isinstance(value, str) else json.dumps(value)
    text = masked(text)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH // 2]}...{text[-_LENGTH // 2 :]}"
