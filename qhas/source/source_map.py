"""Which nodes of an ONNX each op of a DLC comes from, small enough to be stored with every cell."""

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
"""Size limit in bytes: ten thousand ops take 3 MB."""


class Evidence(StrEnum):
    """What shows that an op comes from a node. Nothing else counts as evidence."""

    TRACE = "trace"
    """The converter says so."""
    NAME = "name"
    """The op has the node's name, except for what converters append."""
    TENSOR = "tensor"
    """An output of the op has the name of one of the node's outputs."""
    FUNCTION = "function"
    """The op makes a tensor inside the function that the node is, and only ops of that node use it."""
    MOVES = "moves"
    """The op only moves or recodes a tensor that by its name the node makes or, for a network input, uses."""


class SourceNode(Stored):
    """A node of an ONNX, and what its exporter says about its origin; None for what it does not say."""

    model_config = ConfigDict(frozen=True)

    name: ShownText
    type: ShownText
    module: ShownText | None = None
    """Path from the root, whose own path is empty."""
    kind: ShownText | None = None
    """Class of the module."""
    file: ShownText | None = None
    line: int | None = None

    @property
    def place(self) -> str:
        """Source file and line, as in `net.py:96`; empty if not known."""
        return (
            f"{(self.file or '').replace(chr(92), '/').rpartition('/')[2]}:{self.line}" if self.line else ""
        )


class MappedOp(Stored):
    """The nodes an op comes from, as indices into the map's nodes, the one it is named after first."""

    model_config = ConfigDict(frozen=True)

    nodes: Annotated[tuple[int, ...], Field(min_length=1)]
    evidence: Evidence


class SourceMap(Stored):
    """The nodes that ops come from, and the ops by their names in the DLC. An op not in it has no known node."""

    model_config = ConfigDict(frozen=True)

    nodes: tuple[SourceNode, ...] = ()
    ops: Mapping[str, MappedOp] = {}

    def nodes_of(self, op: str) -> tuple[SourceNode, ...]:
        """Return the nodes of an op, given its name in a profile; none if none is known."""
        mapped = self.ops.get(op) or self._by_lasting_name.get(lasting_name(op))
        return tuple(self.nodes[place] for place in mapped.nodes) if mapped else ()

    def node_of(self, op: str) -> SourceNode | None:
        """Return the node that names the op: the first with a module, otherwise the first."""
        nodes = self.nodes_of(op)
        return next((node for node in nodes if node.module is not None), nodes[0] if nodes else None)

    def module_of(self, op: str) -> str | None:
        """Return the path of the op's module; None if it is not known."""
        node = self.node_of(op)
        return node.module if node else None

    @cached_property
    def _by_lasting_name(self) -> Mapping[str, MappedOp]:
        """The ops whose name without a compile's numbers belongs to one op only, by that name."""
        names: dict[str, MappedOp | None] = {}
        for name, op in self.ops.items():
            lasting = lasting_name(name)
            names[lasting] = None if lasting in names else op
        return {name: op for name, op in names.items() if op is not None}


def parse_sources(content: bytes) -> SourceMap | None:
    """Parse a stored map; None if it is damaged."""
    try:
        sources = SourceMap.model_validate_json(unpack(content, _LARGEST))
    except (OSError, EOFError, ValidationError):
        return None
    places = range(len(sources.nodes))
    return sources if all(place in places for op in sources.ops.values() for place in op.nodes) else None
