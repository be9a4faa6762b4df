"""Which nodes of an ONNX became which ops, by a converter's own account: the trace of ONNX Runtime's QNN provider.

The schema is version 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from qhas.outside_bytes import read_file

LARGEST = 64 << 20
"""Size limit in bytes: a thousand ops take 300 kB."""
_NODE = "OP"


def read_op_trace(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Read the names of nodes by op name; the nodes' names are the converter's. Raises ValueError and OSError."""
    try:
        document = orjson.loads(read_file(path, LARGEST))
        return {
            mapping["dst_name"]: tuple(_nodes(mapping["sources"]))
            for graph in document["subgraph_traces"]
            for mapping in graph["op_mappings"]
            if isinstance(mapping["dst_name"], str)
        }
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name} is not an op trace: {error!r}") from error


def _nodes(sources: list[dict[str, Any]]) -> list[str]:
    return [str(source["name"]) for source in sources if source["type"] == _NODE]
