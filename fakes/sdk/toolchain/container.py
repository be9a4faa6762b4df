"""The fake's DLC: a zip of stored records with zero CRC fields, like the vendor's, and a JSON model inside."""

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

PRODUCER = "fake SDK"
MODEL = "model"
METADATA = "dlc.metadata2.3.0"
CACHE_PREFIX = "htp.cache."

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_SEE_64, _LOCATOR_64 = 0xFFFFFFFF, 20
_END_64 = struct.Struct("<4sQ2H2L4Q")
_END = struct.Struct("<4s4H2IH")


class ContainerError(Exception):
    """The bytes are not a DLC that the fake tools can read."""


class Tensor(NamedTuple):
    """A float32 input or output of the graph."""

    name: str
    dims: tuple[int, ...]

    @property
    def size(self) -> int:
        """The size of its raw file in bytes."""
        elements = 1
        for dim in self.dims:
            elements *= dim
        return elements * 4


class Model(NamedTuple):
    """A graph in a fake DLC, with those that follow it in `more`.

    `nodes` are (name, QNN op type) in order of execution.
    """

    graph: str
    nodes: tuple[tuple[str, str], ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    salt: str = ""
    more: tuple["Model", ...] = ()

    @property
    def graphs(self) -> tuple["Model", ...]:
        """Every graph, each without `more`."""
        return (self._replace(more=()), *self.more) if self.more else (self,)

    @property
    def digest(self) -> str:
        """SHA-256 of the record, from which the figures are drawn."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the `model` record."""
        return json.dumps(self._row()).encode()

    def _row(self) -> dict[str, Any]:
        row = {
            "producer": PRODUCER,
            "graph": self.graph,
            "nodes": self.nodes,
            "inputs": [[tensor.name, tensor.dims] for tensor in self.inputs],
            "outputs": [[tensor.name, tensor.dims] for tensor in self.outputs],
            "salt": self.salt,
        }
        return row | ({"more": [graph._row() for graph in self.more]} if self.more else {})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Model":
        """Read a `model` record. Raises ContainerError for that of a real DLC."""
        try:
            return cls._from_row(json.loads(data))
        except (ValueError, KeyError, TypeError):
            raise ContainerError("the fake tools read only DLCs made by fakes.dlc") from None

    @classmethod
    def _from_row(cls, row: Mapping[str, Any]) -> "Model":
        return cls(
            row["graph"],
            tuple((name, kind) for name, kind in row["nodes"]),
            tuple(Tensor(name, tuple(dims)) for name, dims in row["inputs"]),
            tuple(Tensor(name, tuple(dims)) for name, dims in row["outputs"]),
            row["salt"],
            tuple(cls._from_row(other) for other in row.get("more", ())),
        )


class Dlc(NamedTuple):
    """A DLC in memory: the model, and the cache records keyed by lower-case SoC name."""

    model: Model
    caches: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    @property
    def digest(self) -> str:
        """SHA-256 of the model, the same before and after preparing."""
        return self.model.digest

    def to_bytes(self) -> bytes:
        """Return the contents of the file: equal DLCs have equal bytes."""
        records = {MODEL: self.model.to_bytes(), METADATA: self._metadata()}
        for soc, cache in self.caches.items():
            records[f"{CACHE_PREFIX}{soc}.0"] = json.dumps(cache).encode()
        return write_records(records)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Dlc":
        """Read a DLC. Raises ContainerError for anything else."""
        records = read_records(data)
        if MODEL not in records:
            raise ContainerError("no model record")
        caches = {
            name.removeprefix(CACHE_PREFIX).removesuffix(".0"): json.loads(content)
            for name, content in records.items()
            if name.startswith(CACHE_PREFIX)
        }
        return cls(Model.from_bytes(records[MODEL]), caches)

    def _metadata(self) -> bytes:
        zero, two_three = {"major": 0, "minor": 1, "patch": 0}, {"major": 2, "minor": 3, "patch": 0}
        header = {"artifact_type": "DLC_METADATA", "header_version": zero, "version": two_three}
        document: dict[str, Any] = {"header": header, "producer": PRODUCER}
        if self.caches:
            document["cacheList"] = [self._cache_entry(soc, cache) for soc, cache in self.caches.items()]
        return json.dumps(document, indent=4).encode()

    def _cache_entry(self, soc: str, cache: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "cacheName": f"{CACHE_PREFIX}{soc}.0",
            "buildId": cache["build_id"],
            "numGraphs": len(self.model.graphs),
            "graphs": [
                {
                    "graphName": graph.graph,
                    "numGraphInputs": len(graph.inputs),
                    "graphInputs": _tensor_entries(graph.inputs),
                    "numGraphOutputs": len(graph.outputs),
                    "graphOutputs": _tensor_entries(graph.outputs),
                }
                for graph in self.model.graphs
            ],
        }


def write_records(records: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of stored records, without time stamps and with zero CRCs."""
    body, directory = b"", b""
    for name, content in records.items():
        raw, size = name.encode(), len(content)
        directory += _CENTRAL.pack(
            b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, size, size, len(raw), 0, 0, 0, 0, 0, len(body)
        )
        directory += raw
        body += _LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, 0, size, size, len(raw), 0) + raw + content
    end = _END.pack(b"PK\5\6", 0, 0, len(records), len(records), len(directory), len(body), 0)
    return body + directory + end


def read_records(data: bytes) -> dict[str, bytes]:
    """Return the records of such an archive, keyed by name. Raises ContainerError if it is not one."""
    if len(data) < _END.size or data[-_END.size :][:4] != b"PK\5\6":
        raise ContainerError("not a container")
    *_, count, _size, offset, _comment = _END.unpack(data[-_END.size :])
    records = {}
    try:
        if offset == _SEE_64:  # the host SDK has joined networks to it
            *_, count, _size, offset = _END_64.unpack_from(
                data, len(data) - _END.size - _LOCATOR_64 - _END_64.size
            )
        for _ in range(count):
            row = _CENTRAL.unpack_from(data, offset)
            size, name_length, start = row[9], row[10], row[16]
            name = data[offset + _CENTRAL.size :][:name_length].decode()
            begin = start + _LOCAL.size + name_length
            records[name] = data[begin : begin + size]
            offset += _CENTRAL.size + name_length
    except (struct.error, UnicodeDecodeError):
        raise ContainerError("damaged container") from None
    return records


def _tensor_entries(tensors: Iterable[Tensor]) -> list[dict[str, Any]]:
    return [
        {
            "name": tensor.name,
            "dataType": "QNN_DATATYPE_FLOAT_32",
            "rank": len(tensor.dims),
            "dimensions": list(tensor.dims),
        }
        for tensor in tensors
    ]
