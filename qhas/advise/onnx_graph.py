"""An ONNX network as rewrites see and change it: makers and readers of tensors, constants, and sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

_LARGEST = 1_500_000_000
"""Maximum bytes of weights. An ONNX file holds 2 GB, and a rewrite may add some."""


class OnnxGraph:
    """A network in memory with all its weights. Rewrites work on a copy."""

    def __init__(self, model: Any) -> None:
        import onnx

        self.model = model
        self._names = {name for node in model.graph.node for name in (*node.input, *node.output)}
        inferred = onnx.shape_inference.infer_shapes(model)
        values = (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
        self._shapes = {value.name: _dims(value) for value in values}
        self._constants = {each.name: each for each in model.graph.initializer}
        self.reindex()

    def reindex(self) -> None:
        """Update which nodes make and read each tensor."""
        nodes = self.model.graph.node
        self._maker = {name: node for node in nodes for name in node.output}
        self._readers: dict[str, list[Any]] = {}
        for node in nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._seen = {value.name for value in self.model.graph.output} | set(_of_subgraphs(nodes))

    @property
    def nodes(self) -> list[Any]:
        """The current nodes, as a copy, so that the network may be changed during iteration."""
        return list(self.model.graph.node)

    def of(self, *kinds: str) -> list[Any]:
        """Return the nodes of these types."""
        return [node for node in self.model.graph.node if node.op_type in kinds and not node.domain]

    def maker(self, tensor: str) -> Any | None:
        """Return the node that makes a tensor; None for inputs and constants."""
        return self._maker.get(tensor)

    def only_reader(self, tensor: str) -> Any | None:
        """Return the only node that reads a tensor; None if others, a subgraph or the application read it too."""
        readers = self._readers.get(tensor, [])
        return readers[0] if len(readers) == 1 and tensor not in self._seen else None

    def quantised(self, tensor: str) -> bool:
        """Whether a tensor was dequantised: its reader has to stay a single op to be computed in integers."""
        maker = self.maker(tensor)
        return maker is not None and maker.op_type == "DequantizeLinear"

    def read(self, tensor: str) -> bool:
        """Whether any node reads a tensor."""
        return bool(self._readers.get(tensor))

    def constant(self, tensor: str) -> Any | None:
        """Return the values of a constant as an array; None for a computed tensor."""
        from onnx import numpy_helper

        if tensor in self._constants:
            return numpy_helper.to_array(self._constants[tensor])
        maker = self.maker(tensor)
        if maker is not None and maker.op_type == "Constant":
            value = attribute(maker, "value")
            return None if value is None else numpy_helper.to_array(value)
        return None

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        """Return a tensor's sizes; None unless all are known."""
        constant = self._constants.get(tensor)
        return tuple(constant.dims) if constant is not None else self._shapes.get(tensor)

    def add_constant(self, hint: str, values: Any) -> str:
        """Add a constant and return its name."""
        from onnx import numpy_helper

        name = self.name(hint)
        tensor = numpy_helper.from_array(values, name)
        self.model.graph.initializer.append(tensor)
        self._constants[name] = self.model.graph.initializer[-1]
        return name

    def name(self, hint: str) -> str:
        """Return an unused name for a tensor."""
        number = 0
        while (name := f"{hint}_{number}") in self._names:
            number += 1
        self._names.add(name)
        return name

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
        """Return a new node, not yet in the network."""
        from onnx import helper

        return helper.make_node(kind, list(inputs), [output], name=f"{output}_{kind}", **attributes)

    def replace(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        """Replace old nodes with new ones, at the place of the last old one. Nodes are identified by first output."""
        going, nodes = {node.output[0] for node in old}, self.nodes
        place = max(number for number, node in enumerate(nodes) if node.output[0] in going)
        kept = [node for node in nodes[: place + 1] if node.output[0] not in going]
        self._set([*kept, *new, *nodes[place + 1 :]])

    def insert_first(self, node: Any) -> None:
        """Put a node before all others."""
        self._set([node, *self.nodes])

    def rewire(self, before: str, after: str) -> None:
        """Make all readers of one tensor read another."""
        for node in self._readers.get(before, []):
            for place, name in enumerate(node.input):
                if name == before:
                    node.input[place] = after
        self.reindex()

    def _set(self, nodes: Sequence[Any]) -> None:
        copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del self.model.graph.node[:]
        self.model.graph.node.extend(copies)
        self.reindex()

    def tidied(self) -> Any:
        """Return the network without constants no longer read, and without sizes that may have changed."""
        used = {name for node in self.model.graph.node for name in node.input} | self._seen
        kept = [each for each in self.model.graph.initializer if each.name in used]
        del self.model.graph.initializer[:]
        self.model.graph.initializer.extend(kept)
        del self.model.graph.value_info[:]
        return self.model


def attribute(node: Any, name: str, default: Any = None) -> Any:
    """Return an attribute's value: a list if it is one, text decoded."""
    from onnx import helper

    for each in node.attribute:
        if each.name == name:
            value = helper.get_attribute_value(each)
            return value.decode() if isinstance(value, bytes) else value
    return default


def load(path: Path) -> Any:
    """Load the model with all its weights. Raises ValueError if it is not ONNX, or too large for one file."""
    import onnx

    try:
        model = onnx.load(str(path))
    except Exception as error:  # the parser has its own exception types
        raise ValueError(f"it cannot be read as ONNX ({type(error).__name__})") from error
    if sum(len(each.raw_data) for each in model.graph.initializer) > _LARGEST:
        raise ValueError("its weights are over 1.5 GB, too large to write as a single ONNX file")
    return model


def _of_subgraphs(nodes: Iterable[Any]) -> Iterator[str]:
    """Yield the tensors that branches and loops read, including those of the network around them."""
    inner = [each.g for node in nodes for each in node.attribute if each.HasField("g")]
    for graph in inner:
        yield from (name for node in graph.node for name in node.input)
        yield from (value.name for value in graph.output)
        yield from _of_subgraphs(graph.node)


def _dims(value: Any) -> tuple[int, ...] | None:
    sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    return tuple(sizes) if all(size > 0 for size in sizes) else None
