"""The shape of a viewer's file: the kinds of its rows, their keys in order, the types of values, and fixed names.

`vendor_shape/shapes.json` holds that of the vendor's own files; `python -m tests.judges.shapes FOLDER` writes it anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = list[tuple[str, Row]]

DRAWN = Path(__file__).parent / "vendor_shape/shapes.json"
SOURCES = {
    "chrometrace": ["device-hvx-int16-chrometrace.json"],
    "qhas": [f"device-{name}-qhas.json" for name in ("hvx-int16", "native", "ovl", "resnet50")],
    "runtrace": ["device-ovl-runtrace.json"],
}
"""The vendor's files by their kind."""
OURS = {
    "header": {"provenance", "producer"},
    "op": {"cat"},
    "op args": {"Framework Op Name"},
}
"""Keys that our own writers add to the vendor's."""
OUR_KINDS = {"M process_labels", "M process_labels args"}
NOT_SIMULATED = {"Cycles per Packet"}
"""Keys that a simulator cannot fill and leaves out."""


@dataclass
class Kind:
    """The keys that rows of one kind may have, those they must have, and their types."""

    keys: list[str] = field(default_factory=list)
    required: set[str] = field(default_factory=set)
    types: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass
class Shape:
    """The shape of a file: the kinds of its rows, and its fixed names."""

    kinds: dict[str, Kind]
    names: list[str]

    def to_json(self) -> Row:
        """Return the shape in the form that `from_json` reads."""
        kinds = {
            name: [
                f"{key}{'' if key in kind.required else '?'}: {', '.join(sorted(kind.types[key]))}"
                for key in kind.keys
            ]
            for name, kind in sorted(self.kinds.items())
        }
        return {"names": self.names, "kinds": kinds}

    @classmethod
    def from_json(cls, row: Row) -> Shape:
        kinds = {}
        for name, lines in row["kinds"].items():
            kind = kinds[name] = Kind()
            for key, _, types in (line.rpartition(": ") for line in lines):
                plain = key.removesuffix("?")
                kind.keys.append(plain)
                kind.types[plain] = set(types.split(", "))
                if key == plain:
                    kind.required.add(plain)
        return cls(kinds, row["names"])


def shape_of(*documents: Row) -> Shape:
    """Return the shape of files of one kind."""
    names = sorted({name for document in documents for name in names_of(document)})
    return Shape(_kinds(row for document in documents for row in rows_of(document)), names)


def names_of(document: Row) -> Iterator[str]:
    """Yield the names common to all files: kind and version of the file, phases, counters, flows, threads, processes."""
    header = document["header"]
    version = ".".join(map(str, header["version"].values()))
    keys = [key for key in header if key not in OURS["header"]]
    yield f"file of {header['artifact_type']} {version}, its header {', '.join(keys)}"
    for event in document.get("traceEvents", ()):
        if event["ph"] == "X" and "ID" not in event["args"]:
            yield f"phase {event['name']}"
        elif event["ph"] == "M" and event["name"] in ("thread_name", "process_name"):
            yield f"{event['name']} {_pattern(event['args']['name'])}"
        elif event["ph"] in "Csf":
            yield f"{event['ph']} {event['name']}"


def _pattern(name: str) -> str:
    """Replace what is specific to one network: numbers, the names of nodes and graphs, kinds of units."""
    name = re.sub(r"^QNN::.*", "QNN::<node>", name, flags=re.DOTALL)
    name = re.sub(r"^.* Runtraces$", "<graph> Runtraces", name)
    return re.sub(r"\d+", "#", re.sub(r"Type: \w+", "Type: <unit>", name))


def _kinds(rows: Iterable[tuple[str, Row]]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for name, row in rows:
        kind = kinds.setdefault(name, Kind(required=set(row)))
        kind.required &= set(row)
        before = 0
        for key, value in row.items():
            if key not in kind.keys:
                kind.keys.insert(before, key)
            before = kind.keys.index(key) + 1
            kind.types[key].add(type_of(value))
    return kinds


def misfits(document: Row, reference: Shape) -> list[str]:
    """Return every way in which a file of ours departs from the vendor's shape; empty if there is none."""
    shape, found = reference.kinds, dict[str, None]()
    found |= {
        f"the vendor has no {name!r}": None for name in names_of(document) if name not in reference.names
    }
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
    """Return the rows of a trace or a QHAS with the names of their kinds, nested objects as rows of their own."""
    return [
        *_nested("file", {key: value for key, value in document.items() if key != "data"}),
        *_sections(document),
    ]


def type_of(value: object) -> str:
    """Return the JSON type of a value; a number is a number, with or without a fraction."""
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


def drawn() -> Mapping[str, Shape]:
    """Return the vendor's shapes as recorded."""
    return {name: Shape.from_json(row) for name, row in json.loads(DRAWN.read_bytes()).items()}


def draw(folder: Path) -> dict[str, Row]:
    """Determine the vendor's shapes from the vendor's files in that folder."""
    return {
        name: shape_of(*(json.loads((folder / file).read_bytes()) for file in files)).to_json()
        for name, files in SOURCES.items()
    }


if __name__ == "__main__":
    DRAWN.write_text(json.dumps(draw(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
