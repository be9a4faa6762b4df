"""What the rows of a viewer's file look like: kinds of rows, their keys in order, and the types of values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]
Rows = list[tuple[str, Row]]

OURS = {
    "header": {"provenance", "producer"},
    "op": {"cat"},
    "op args": {"Framework Op Name"},
}
"""Keys that our own writers add to the vendor's."""
OUR_KINDS = {"M process_labels", "M process_labels args"}
NOT_SIMULATED = {"Cycles per Packet"}
"""What a simulator does not tell and leaves out."""


@dataclass
class Kind:
    """Rows of one kind."""

    keys: list[str] = field(default_factory=list)
    required: set[str] = field(default_factory=set)
    types: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def shape_of(document: Row) -> dict[str, Kind]:
    """The kinds of rows of a file."""
    kinds: dict[str, Kind] = {}
    for name, row in rows_of(document):
        kind = kinds.setdefault(name, Kind(required=set(row)))
        kind.required &= set(row)
        before = 0
        for key, value in row.items():
            if key not in kind.keys:
                kind.keys.insert(before, key)
            before = kind.keys.index(key) + 1
            kind.types[key].add(type_of(value))
    return kinds


def misfits(document: Row, reference: Row) -> list[str]:
    """Every way in which a file of ours is not of the shape of the vendor's; empty for one that is."""
    shape, found = shape_of(reference), dict[str, None]()
    for name, row in rows_of(document):
        if name in OUR_KINDS:
            continue
        if (kind := shape.get(name)) is None:
            found[f"{name}: the vendor has no such row"] = None
            continue
        keys = [key for key in row if key not in OURS.get(name, ())]
        for key in keys:
            if key not in kind.keys:
                found[f"{name}: the vendor has no {key!r}"] = None
            elif (
                type_of(row[key]) not in kind.types[key] | {"empty list"}
                and "empty list" not in kind.types[key]
            ):
                found[f"{name}: {key!r} is {type_of(row[key])}, not {sorted(kind.types[key])}"] = None
        for key in kind.required - set(keys) - NOT_SIMULATED:
            found[f"{name}: {key!r} is missing"] = None
        if keys != sorted(keys, key=lambda key: kind.keys.index(key) if key in kind.keys else 0):
            found[f"{name}: its keys are in the order {keys}, not {kind.keys}"] = None
    return list(found)


def rows_of(document: Row) -> Rows:
    """The rows of a trace or a QHAS with the names of their kinds, nested objects as rows of their own."""
    return [
        *_nested("file", {key: value for key, value in document.items() if key != "data"}),
        *_sections(document),
    ]


def type_of(value: object) -> str:
    """The JSON type of a value; a number is a number, with or without a fraction."""
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return f"list of {type_of(value[0])}" if value else "empty list"
        case dict():
            return "object"
    return "null"


def _sections(document: Row) -> Iterator[tuple[str, Row]]:
    for section, content in document.get("data", {}).items():
        for row in content["data"]:
            yield section, row
            for key, nested in row.items():
                if isinstance(nested, dict):
                    yield from ((f"{section} {key}", inner) for inner in nested["data"])


def _nested(name: str, row: Row) -> Iterator[tuple[str, Row]]:
    yield name, row
    for key, value in row.items():
        if key == "traceEvents":
            for event in value:
                yield from _nested(_event_kind(event), event)
        elif isinstance(value, dict) and key not in OURS["header"]:
            yield from _nested(key if name == "file" else f"{name} {key}", value)


def _event_kind(event: Row) -> str:
    match event["ph"]:
        case "X" if "ID" not in event["args"]:
            return f"phase {event['name']}"
        case "X":
            return "op" if "Duration (cycles)" in event["args"] else "tensor"
        case "s" | "f":
            return f"{event['ph']} {event['cat']}"
        case phase:
            whose = (
                " of the core"
                if event["name"] == "process_name" and event["args"]["name"].startswith("Core")
                else ""
            )
            return f"{phase} {event['name']}{whose}"
