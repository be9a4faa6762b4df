"""What a prepared DLC says of its inputs.

A DLC is a zip of stored records whose CRC fields may be 0. The record `dlc.metadata2.*` is JSON; after prepare its
`cacheList` states name, type and shape of every graph input and output (seen in DLCs of QAIRT 2.51).
"""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

METADATA_PREFIX = "dlc.metadata2."
_METADATA_OF_SNPE_1 = "dlc.metadata"


@dataclass(frozen=True)
class GraphInput:
    """An input tensor of a graph. Its file holds float32 values, whatever the type inside the graph."""

    name: str
    dimensions: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of values in one inference."""
        return prod(self.dimensions)


_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    NotImplementedError,  # a compression Python does not know
    RuntimeError,  # an encrypted record
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
)
"""What damaged bytes, and JSON of another shape, end in."""


def graph_inputs(prepared_dlc: Path) -> list[GraphInput]:
    """Inputs of the prepared graph. Raises ValueError when the DLC does not state them."""
    try:
        for cache in _metadata(prepared_dlc).get("cacheList", []):
            for graph in cache.get("graphs", []):
                return [_graph_input(tensor) for tensor in graph["graphInputs"]]
    except _UNREADABLE as error:
        reason = (
            str(error)
            if isinstance(error, OSError | ValueError | zipfile.BadZipFile)
            else "its records are damaged"
        )
        raise ValueError(f"{prepared_dlc.name} cannot be read as a DLC: {reason}") from error
    raise ValueError(f"{prepared_dlc.name} does not state its inputs")


def _graph_input(tensor: dict[str, Any]) -> GraphInput:
    name, dimensions = tensor["name"], tuple(tensor["dimensions"])
    if not isinstance(name, str) or not all(isinstance(size, int) and size > 0 for size in dimensions):
        raise ValueError(f"input {name!r} has dimensions {dimensions}")
    return GraphInput(name, dimensions)


def _metadata(dlc: Path) -> dict[str, Any]:
    with zipfile.ZipFile(dlc) as archive:
        for name in archive.namelist():
            if name.startswith(METADATA_PREFIX):
                return _json_object(_stored_record(archive, name))
        if _METADATA_OF_SNPE_1 in archive.namelist():
            raise ValueError("it was made by SNPE 1; convert the network again, with QAIRT or SNPE 2")
    raise ValueError(f"it holds no {METADATA_PREFIX}* record")


def _stored_record(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as record:
        record._expected_crc = None  # type: ignore[attr-defined]  # written as 0 by the vendor's library
        return record.read()


def _json_object(record: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(record[record.find(b"{") :].rstrip(b"\0"))
    except ValueError as error:
        raise ValueError(f"its {METADATA_PREFIX}* record is no JSON") from error
    return document
