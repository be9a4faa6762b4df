"""The map from a DLC's ops to the nodes of its ONNX: by the converter's own account, by names, and by tensors.

Names are compared exactly, and without what the tools that made the DLC append. A name that two nodes share shows
nothing, and neither does one that only states the type: ONNX Runtime names the nodes it inserts that way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from qhas.network.network import Network, NetworkOp
from qhas.network.onnx_file import OnnxGraph, OnnxNode
from qhas.profile.op_names import lasting_name
from qhas.source.exported import exported
from qhas.source.source_map import Evidence, MappedOp, SourceMap, SourceNode

Trace = Mapping[str, tuple[str, ...]]
_APPENDED = re.compile(r"/MatMulAddFusion$|_(?:De)?[Qq]uantizeLinear(?:_Output|_Input)?$|_new_reshape$")
"""Appended by ONNX Runtime's fusion of a product and a sum, and by its quantiser."""
_LAYOUT = re.compile(r"\W")
"""Characters that a vendor's converter writes as an underscore."""
_INNER = re.compile(r"_inlfunc_([A-Za-z]\w*?)_")
"""The start of the name of a tensor inside a function, such as HardSwish, that ONNX Runtime expands."""
_MOVERS = frozenset(
    {"Transpose", "Reshape", "Quantize", "Dequantize", "Convert", "Cast", "ExpandDims", "Squeeze"}
)
"""Types of ops that compute nothing."""


class _Found(NamedTuple):
    nodes: tuple[OnnxNode, ...]
    evidence: Evidence


def map_sources(graph: OnnxGraph, network: Network, trace: Trace | None = None) -> SourceMap:
    """Map every op of the network that demonstrably comes from a node. `trace` has names of nodes by those of ops."""
    search = _Search(graph, trace or {})
    ops = [op for each in network.graphs for op in each.ops]
    origins = {op.name: origin for op in ops if (origin := search.origin(op))}
    for op in ops:
        if op.name not in origins and (nodes := search.moved(op)):
            origins[op.name] = _Found(nodes, Evidence.MOVES)
    takers: dict[str, list[NetworkOp]] = defaultdict(list)
    for op in ops:
        for name in op.inputs:
            takers[name].append(op)
    for op in reversed(ops):
        if op.name not in origins:
            later = [taker.name for name in op.outputs for taker in takers[name]]
            nodes = _once(origins[name].nodes[0] for name in later if name in origins)
            if nodes and op.type in _MOVERS:
                origins[op.name] = _Found(nodes, Evidence.MOVES)
            elif (
                len(nodes) == 1
                and origins.keys() >= {*later}
                and all(_inner(name, nodes[0]) for name in op.outputs)
            ):
                origins[op.name] = _Found(nodes, Evidence.FUNCTION)
    return _compact(origins)


def _inner(tensor: str, node: OnnxNode) -> bool:
    """Whether the tensor is inside the function that the node is."""
    function = _INNER.match(tensor)
    return function is not None and function[1] == node.type


def _compact(origins: Mapping[str, _Found]) -> SourceMap:
    nodes = {id(node): node for origin in origins.values() for node in origin.nodes}
    places = {key: place for place, key in enumerate(nodes)}
    return SourceMap(
        nodes=tuple(map(_described, nodes.values())),
        ops={
            name: MappedOp(nodes=tuple(places[id(node)] for node in origin.nodes), evidence=origin.evidence)
            for name, origin in origins.items()
        },
    )


def _described(node: OnnxNode) -> SourceNode:
    origin = exported(node)
    return SourceNode(name=_name(node), type=node.type, **origin._asdict())


def _name(node: OnnxNode) -> str:
    """Return the name of a node; one without a name is called by its first output."""
    return node.name or next(iter(node.outputs), node.type)


class _Search:
    """The nodes of an ONNX by their names and by the tensors they make."""

    def __init__(self, graph: OnnxGraph, trace: Trace) -> None:
        nodes = [node for node in graph.nodes if node.type != "Constant"]
        self._names = _unambiguous((_name(node), node) for node in nodes)
        self._makers = _unambiguous((name, node) for node in nodes for name in node.outputs)
        self._trace = trace
        self._carried: dict[str, tuple[OnnxNode, ...]] = {}
        """Nodes whose results are in tensors of the DLC, by tensor."""

    def origin(self, op: NetworkOp) -> _Found | None:
        """Return the nodes that an op demonstrably comes from, the one with its name first."""
        makers = [node for name in op.outputs if (node := _known(self._makers, name))]
        traced = [node for name in self._trace.get(op.name, ()) if (node := self._named(name, op))]
        own = self._named(op.name, op)
        evidence = Evidence.TRACE if traced else Evidence.NAME if own else Evidence.TENSOR
        nodes = _once([*([own] if own else []), *traced, *makers])
        if nodes:
            self._carried |= dict.fromkeys(op.outputs, nodes)
        return _Found(nodes, evidence) if nodes else None

    def moved(self, op: NetworkOp) -> tuple[OnnxNode, ...]:
        """Return the nodes whose result an op only moves."""
        if op.type not in _MOVERS or not op.inputs:
            return ()
        maker = _known(self._makers, op.inputs[0])
        nodes = (maker,) if maker else self._carried.get(op.inputs[0], ())
        if nodes:
            self._carried |= dict.fromkeys(op.outputs, nodes)
        return nodes

    def _named(self, name: str, op: NetworkOp) -> OnnxNode | None:
        node = _known(self._names, name)
        return None if node and name != node.name and node.name in (node.type, op.type) else node


def _known(nodes: Mapping[str, OnnxNode], name: str) -> OnnxNode | None:
    """Return the node with a name as a tool writes it."""
    return next((nodes[form] for form in _forms(name) if form in nodes), None)


def _forms(name: str) -> Iterator[str]:
    """Yield the name, then the name without each appended part, the last first, then what a converter writes of it."""
    yield name
    while (shorter := _APPENDED.sub("", lasting_name(name))) != name:
        yield (name := shorter)
    yield _LAYOUT.sub("_", name)


def _unambiguous(named: Iterable[tuple[str, OnnxNode]]) -> dict[str, OnnxNode]:
    """Return the nodes by names that only one node has, as they are and as a vendor's converter writes them."""
    exact: dict[str, OnnxNode | None] = {}
    written: dict[str, OnnxNode | None] = {}
    for name, node in named:
        if name:
            exact[name] = None if name in exact else node
            form = _LAYOUT.sub("_", name)
            written[form] = None if form in written else node
    return {name: node for name, node in (written | exact).items() if node is not None}


def _once(nodes: Iterable[OnnxNode]) -> tuple[OnnxNode, ...]:
    return tuple({id(node): node for node in nodes}.values())
