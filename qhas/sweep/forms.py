"""The JSON schema of what a user writes, shaped so that a form made from it needs no explanation."""

from __future__ import annotations

from typing import Any

_NULL = {"type": "null"}


def shape(schema: dict[str, Any]) -> None:
    """Number the fields, so that their order survives a database, and let a field that may be left out be just its type.

    A form then shows one input where it would offer a choice between a value and null. Not so for a switch, which has
    no third position, and for what refers to a definition: there the choice stays.
    """
    for position, field in enumerate(schema.get("properties", {}).values()):
        field["position"] = position
        kinds = [kind for kind in field.get("anyOf", []) if kind != _NULL]
        if len(kinds) == 1 and kinds[0].get("type", "boolean") != "boolean":
            del field["anyOf"]
            field.update(kinds[0])
            if field.get("default", ...) is None:
                del field["default"]
