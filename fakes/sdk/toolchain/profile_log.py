"""The profiling log: size-prefixed records like the vendor's, with JSON inside. The first one is a header."""

import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from .container import PRODUCER

TICKS_PER_US = 19.2


class LogError(Exception):
    """The bytes are not a complete log."""


class Inference(NamedTuple):
    """Times of one execution in microseconds: the total, and the graph's share."""

    total_us: int
    graph_us: int


class ProfileLog(NamedTuple):
    """What net-run recorded. `prepare_id` ties it to one schematic; `traced` says whether ops were recorded."""

    prepare_id: str
    graph: str
    nodes: tuple[tuple[str, str], ...]
    digest: str
    soc: str
    version: str
    traced: bool
    scale: float
    inferences: tuple[Inference, ...]

    def to_bytes(self) -> bytes:
        """Return the contents of the file: the header, then one record per inference."""
        header: dict[str, Any] = {
            "producer": PRODUCER,
            "prepare_id": self.prepare_id,
            "graph": self.graph,
            "nodes": self.nodes,
            "digest": self.digest,
            "soc": self.soc,
            "version": self.version,
            "traced": self.traced,
            "scale": self.scale,
        }
        rows: list[dict[str, Any]] = [
            {"total_us": each.total_us, "graph_us": each.graph_us} for each in self.inferences
        ]
        return b"".join(_record(row) for row in [header, *rows])

    @classmethod
    def from_bytes(cls, data: bytes) -> "ProfileLog":
        """Read a log. Raises LogError for an empty, truncated or foreign one."""
        try:
            header, *rows = _records(data)
            return cls(
                header["prepare_id"],
                header["graph"],
                tuple((name, kind) for name, kind in header["nodes"]),
                header["digest"],
                header["soc"],
                header["version"],
                header["traced"],
                header["scale"],
                tuple(Inference(row["total_us"], row["graph_us"]) for row in rows),
            )
        except (ValueError, KeyError, TypeError):
            raise LogError("not a whole profiling log") from None


def _record(row: Mapping[str, Any]) -> bytes:
    # Real records hold binary events; the padding brings these to a comparable length.
    payload = json.dumps(row).encode().ljust(2048)
    return struct.pack("<I", len(payload)) + payload


def _records(data: bytes) -> list[dict[str, Any]]:
    rows, offset = [], 0
    while offset < len(data):
        (size,) = struct.unpack_from("<I", data.ljust(offset + 4, b"\xff"), offset)
        offset += 4
        if offset + size > len(data):
            raise ValueError("record longer than the file")
        rows.append(json.loads(data[offset : offset + size]))
        offset += size
    return rows
