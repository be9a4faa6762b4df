"""The map from a stored cell's ops to its ONNX."""

from __future__ import annotations

from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.source.source_map import SourceMap, parse_sources
from qhas.store import Store


def read_sources(store: Store, record: CellRecord) -> SourceMap | None:
    """Read a cell's source map. Raises StoreError.

    None for a cell whose network is a DLC, one stored before there were maps, or a damaged map.
    """
    artifact = record.artifact("sources")
    content = store.read(keys.file(record, artifact)) if artifact else None
    return parse_sources(content) if content is not None else None
