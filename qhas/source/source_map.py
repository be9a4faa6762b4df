"""Which nodes of an ONNX each op of a DLC is of, small enough to be stored with every cell."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError

from qhas.documents import Stored
from qhas.outside_bytes import unpack
from qhas.outside_text import ShownText
from qhas.profile.op_names import lasting_name

_LARGEST = 64 << 20
"""Bytes: of ten thousand ops it is 3 MB."""


class Evidence(StrEnum):
    """What shows that an op is of a node. Nothing else is taken for it."""

    TRACE = "trace"
    """The converter says so."""
    NAME = "name"
    """The op has the node's name, but for what converters append."""
    TENSOR = "tensor"
    """A tensor that the op makes has the name of one that the node makes."""
    FUNCTION = "function"
    """It makes a tensor inside the function that the node is, and only ops of that node take it."""
    MOVES = "moves"
    """The op only moves or recodes a tensor, by its name one that the node makes or, of an input of the network, takes."""


class SourceNode(Stored):
    """A node of an ONNX, and what its exporter says of its origin; None where it does not."""

    model_config = ConfigDict(frozen=True)

    name: ShownText
    type: ShownText
    module: ShownText | None = None
    """Path from the root, which is empty."""
    kind: ShownText | None = None
    """Class of the module."""
    file: ShownText | None = None
    line: int | None = None

    @property
    def place(self) -> str:
        """Source and line, as in `net.py:96`; empty where they are not told."""
        return (
            f"{(self.file or '').replace(chr(92), '/').rpartition('/')[2]}:{self.line}" if self.line else ""
        )


class MappedOp(Stored):
    """The nodes that an op is of, by their place in the map, the first the one that names it."""

    model_config = ConfigDict(frozen=True)

    nodes: Annotated[tuple[int, ...], Field(min_length=1)]
    evidence: Evidence


class SourceMap(Stored):
    """The nodes that ops are of, and the ops, by their names in the DLC. An op that is not in it is of no known node."""

    model_config = ConfigDict(frozen=True)

    nodes: tuple[SourceNode, ...] = ()
    ops: Mapping[str, MappedOp] = {}

    def nodes_of(self, op: str) -> tuple[SourceNode, ...]:
        """The nodes of an op as a profile calls it; none where none is known."""
        mapped = self.ops.get(op) or self._by_lasting_name.get(lasting_name(op))
        return tuple(self.nodes[place] for place in mapped.nodes) if mapped else ()

    def node_of(self, op: str) -> SourceNode | None:
        """The node that names the op: the first that has a module, else the first."""
        nodes = self.nodes_of(op)
        return next((node for node in nodes if node.module is not None), nodes[0] if nodes else None)

    def module_of(self, op: str) -> str | None:
        """The path of the op's module; None where it is not known."""
        node = self.node_of(op)
        return node.module if node else None

    @cached_property
    def _by_lasting_name(self) -> Mapping[str, MappedOp]:
        """Ops whose names without the numbers of a compile are one op's alone."""
        names: dict[str, MappedOp | None] = {}
        for name, op in self.ops.items():
            lasting = lasting_name(name)
            names[lasting] = None if lasting in names else op
        return {name: op for name, op in names.items() if op is not None}


def parse_sources(content: bytes) -> SourceMap | None:
    """The map of a stored file; None for a damaged one."""
    try:
        sources = SourceMap.model_validate_json(unpack(content, _LARGEST))
    except (OSError, EOFError, ValidationError):
        return None
    places = range(len(sources.nodes))
    return sources if all(place in places for op in sources.ops.values() for place in op.nodes) else None
