"""Names the ops had in the framework a DLC was converted from, if the converter kept them.

A DLC is a ZIP file of uncompressed records. The trace is the record whose name contains `op_trace`, JSON as ONNX
Runtime's QNN provider writes it with `enable_framework_op_trace`: `subgraph_traces[].op_mappings[]`, each with
`dst_name` (the QNN node) and `sources[]` of `{name, type}`.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hostsdk.bounded import DAMAGED_ZIP, LARGEST_UNPACKED, opened_zip
from hostsdk.errors import Refusal

_RECORD = "op_trace"


class FrameworkError(Refusal):
    """--dlc names a file that is not a DLC, or whose trace cannot be read."""


def framework_names(dlc: Path, graph: str) -> dict[str, str]:
    """Return the framework op by QNN node of `graph`, several joined by " + "; empty when the DLC has no trace of it.

    Raises `FrameworkError` when the file is missing, is not a DLC or its trace is not in the known shape.
    """
    try:
        text = _record(dlc)
        return {} if text is None else _names(json.loads(text), graph)
    except OSError as fault:
        raise FrameworkError(f"The DLC {dlc} cannot be read ({fault.strerror or fault}).") from fault
    except (zipfile.BadZipFile, zlib.error) as fault:
        raise FrameworkError(
            f"{dlc} is not a DLC ({fault}); give the container to --dlc, or leave it out."
        ) from fault
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise FrameworkError(
            f"The framework trace in {dlc} is not in a known format ({fault!r}); leave out --dlc."
        ) from fault


def _record(dlc: Path) -> bytes | None:
    try:
        with opened_zip(dlc) as records:
            name = next((name for name in records.namelist() if _RECORD in name), None)
            if name is None:
                return None
            with records.open(name) as record:
                record._expected_crc = None  # type: ignore[attr-defined]  # the vendor's libraries leave CRCs at 0
                content = record.read(LARGEST_UNPACKED + 1)
    except DAMAGED_ZIP as fault:
        raise zipfile.BadZipFile(str(fault)) from fault
    if len(content) > LARGEST_UNPACKED:
        raise zipfile.BadZipFile(f"its framework trace is over {LARGEST_UNPACKED >> 20} MB")
    return content


def _names(trace: Mapping[str, Any], graph: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for subgraph in trace["subgraph_traces"]:
        if subgraph["graph_name"] != graph:
            continue
        for mapping in subgraph["op_mappings"]:
            sources = dict.fromkeys(source["name"] for source in mapping["sources"] if source["type"] == "OP")
            if sources:
                names[mapping["dst_name"]] = " + ".join(sources)
    return names
