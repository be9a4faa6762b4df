"""Reading what a prepared DLC states about its graphs and how it was made.

A DLC is a zip of stored records whose CRC fields may be 0. The record `dlc.metadata2.*` is JSON; after prepare, its
`cacheList` states the name, type and shape of every graph input and output (seen in DLCs of QAIRT 2.51).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from qhas.network.records import UNREADABLE, read_record, why_unreadable
from qhas.outside_bytes import opened_zip

METADATA_PREFIX = "dlc.metadata2."
_METADATA_OF_SNPE_1 = "dlc.metadata"
LARGEST_METADATA = 16 << 20
"""Bytes of the unpacked record: the names and shapes of some ten thousand tensors are 2 MB."""
MOST_INPUTS = 4096
"""Tensors of a graph: a language model has two for each head of each layer."""
MOST_GRAPHS = 64
"""Graphs of a cache record: language models have several for each context length."""
_LONGEST_NAME = 200
_DATA_TYPE = re.compile(r"(?:QNN_DATATYPE_)?((?:U?INT|BOOL|FLOAT|[US]FIXED_POINT)_\d+)", re.IGNORECASE)
_HIGHEST_RANK = 16
"""Dimensions of a tensor: the runtime supports fewer."""
_LARGEST_DIMENSION = (1 << 32) - 1
"""The vendor's tensors hold their dimensions in 32 bits (QnnTypes.h)."""


@dataclass(frozen=True)
class GraphInput:
    """An input tensor of a graph, with the vendor's name of its data type, such as `INT_32`."""

    name: str
    dimensions: tuple[int, ...]
    type: str = "FLOAT_32"

    @property
    def elements(self) -> int:
        """Number of values in one inference."""
        return prod(self.dimensions)


@dataclass(frozen=True)
class PreparedGraph:
    """A graph of a cache record."""

    name: str
    inputs: list[GraphInput]
    output_shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Shapes by output name, of the outputs that the record states."""


def prepared_graphs(prepared_dlc: Path) -> list[PreparedGraph]:
    """Return the graphs of the first cache record that states any, in its order; at least one.

    Raises ValueError if the DLC does not state them.
    """
    try:
        for cache in _metadata(prepared_dlc).get("cacheList", []):
            graphs = cache.get("graphs", [])
            if len(graphs) > MOST_GRAPHS:
                raise ValueError(f"it states {len(graphs)} graphs; the maximum is {MOST_GRAPHS}")
            if graphs:
                return [_prepared_graph(graph) for graph in graphs]
    except UNREADABLE as error:
        raise ValueError(f"{prepared_dlc.name} cannot be read as a DLC: {why_unreadable(error)}") from error
    raise ValueError(f"{prepared_dlc.name} does not state its inputs")


def _prepared_graph(graph: dict[str, Any]) -> PreparedGraph:
    name = str(graph.get("graphName", ""))[:_LONGEST_NAME]
    return PreparedGraph(name, _graph_inputs(graph["graphInputs"]), _output_shapes(graph.get("graphOutputs")))


def _output_shapes(tensors: object) -> dict[str, tuple[int, ...]]:
    """Return the output shapes, or none if any is malformed: no run depends on them."""
    try:
        return (
            {each.name: each.dimensions for each in _graph_inputs(tensors)}
            if isinstance(tensors, list)
            else {}
        )
    except (ValueError, KeyError, TypeError):
        return {}


def cache_options(prepared_dlc: Path) -> dict[str, Any]:
    """Return what the first cache record states about how it was made.

    These are `buildId`, `contextBlobSize` in bytes, and `optimizationLevel`, `htpDlbc` and other options of its first
    graph. What it does not state is absent or None. Raises ValueError if the file is not a DLC.
    """
    try:
        cache: dict[str, Any] = next(iter(_metadata(prepared_dlc).get("cacheList", [])), {})
        graph: dict[str, Any] = next(iter(cache.get("graphs", [])), {})
        return dict(graph.get("graphBlobInfo") or {}) | {
            key: cache.get(key) for key in ("buildId", "contextBlobSize")
        }
    except UNREADABLE as error:
        raise ValueError(f"{prepared_dlc.name} cannot be read as a DLC: {why_unreadable(error)}") from error


def _graph_inputs(tensors: list[dict[str, Any]]) -> list[GraphInput]:
    if len(tensors) > MOST_INPUTS:
        raise ValueError(f"it states {len(tensors)} inputs; the maximum is {MOST_INPUTS}")
    return [_graph_input(tensor) for tensor in tensors]


def _graph_input(tensor: dict[str, Any]) -> GraphInput:
    name, dimensions = tensor["name"], tuple(tensor["dimensions"])
    if not isinstance(name, str) or len(dimensions) > _HIGHEST_RANK or not all(map(_is_size, dimensions)):
        raise ValueError(f"input {str(name)[:100]!r} has dimensions {str(dimensions[:_HIGHEST_RANK])[:200]}")
    kind = _DATA_TYPE.fullmatch(str(tensor.get("dataType", ""))[:_LONGEST_NAME])
    return GraphInput(name, dimensions, kind[1].upper()) if kind else GraphInput(name, dimensions)


def _is_size(dimension: object) -> bool:
    return type(dimension) is int and 0 < dimension <= _LARGEST_DIMENSION  # a bool is an int too


def _metadata(dlc: Path) -> dict[str, Any]:
    with opened_zip(dlc) as archive:
        for name in archive.namelist():
            if name.startswith(METADATA_PREFIX):
                return _json_object(read_record(archive, name, LARGEST_METADATA))
        if _METADATA_OF_SNPE_1 in archive.namelist():
            raise ValueError("it was made by SNPE 1; convert the network again, with QAIRT or SNPE 2")
    raise ValueError(f"it has no {METADATA_PREFIX}* record")


def _json_object(record: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(record[record.find(b"{") :].rstrip(b"\0"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {METADATA_PREFIX}* record is not JSON") from error
    return document
