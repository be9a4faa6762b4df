"""A network written again as exporters do from one day to the next: other names, order and stamp, same network."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import onnx
from onnx import numpy_helper

_PRODUCERS = (("pytorch", "2.4.1"), ("pytorch", "2.9.0"), ("tf2onnx", "1.16.1"), ("", ""))
_DATA_FROM_BYTES = 64

Draw = random.Random


def write(source: Path, target: Path, seed: int) -> list[str]:
    """Write the network with some of the changes, drawn by the seed, and return their names.

    Names and order of inputs and outputs stay the same: callers of the network use them.
    """
    draw = Draw(seed)
    model = onnx.load(source)
    chosen = [name for name in CHANGES if draw.random() < 0.5] or [draw.choice(list(CHANGES))]
    for name in chosen:
        CHANGES[name](model, draw)
    onnx.checker.check_model(model)
    beside = "weights in a file beside"
    if draw.random() < 0.2:
        onnx.save(
            model,
            target,
            save_as_external_data=True,
            location=f"{target.stem}.data",
            size_threshold=_DATA_FROM_BYTES,
        )
        return [*chosen, beside]
    onnx.save(model, target)
    return chosen


def _nodes_renamed(model: onnx.ModelProto, draw: Draw) -> None:
    """Number the nodes from a different start, or remove their names."""
    start, unnamed = draw.randrange(1000), draw.random() < 0.2
    for number, node in enumerate(model.graph.node, start):
        node.name = "" if unnamed else f"node_{node.op_type}_{number}"


def _tensors_renamed(model: onnx.ModelProto, draw: Draw) -> None:
    """Rename weights and the values between nodes."""
    graph = model.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    inner = [name for node in graph.node for name in node.output if name and name not in kept]
    weights = [weight.name for weight in graph.initializer if weight.name not in kept]
    numbers = draw.sample(range(10 * (len(inner) + len(weights))), len(inner) + len(weights))
    new = {name: f"val_{number}" for name, number in zip([*inner, *weights], numbers, strict=True)}
    for node in graph.node:
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
    for named in (*graph.initializer, *graph.value_info):
        named.name = new.get(named.name, named.name)


def _weights_reordered(model: onnx.ModelProto, draw: Draw) -> None:
    weights = list(model.graph.initializer)
    draw.shuffle(weights)
    del model.graph.initializer[:]
    model.graph.initializer.extend(weights)


def _nodes_reordered(model: onnx.ModelProto, draw: Draw) -> None:
    """Reorder the nodes so that every node still follows what it reads."""
    graph = model.graph
    made = {value.name for value in (*graph.input, *graph.initializer)} | {""}
    waiting, ordered = list(graph.node), list[onnx.NodeProto]()
    while waiting:
        ready = [node for node in waiting if made.issuperset(node.input)]
        node = draw.choice(ready)
        waiting.remove(node)
        ordered.append(node)
        made.update(node.output)
    del graph.node[:]
    graph.node.extend(ordered)


def _stamped(model: onnx.ModelProto, draw: Draw) -> None:
    """Set a different producer, version, description and metadata."""
    model.producer_name, model.producer_version = draw.choice(_PRODUCERS)
    model.model_version = draw.randrange(100)
    model.doc_string = f"exported {draw.random()}"
    model.graph.name = f"main_graph_{draw.randrange(100)}"
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = "date", f"2026-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"


def _attributes_reordered(model: onnx.ModelProto, draw: Draw) -> None:
    for node in model.graph.node:
        attributes = list(node.attribute)
        draw.shuffle(attributes)
        del node.attribute[:]
        node.attribute.extend(attributes)


def _weights_as_numbers(model: onnx.ModelProto, draw: Draw) -> None:
    """Store floats as a list of numbers instead of bytes."""
    del draw
    for weight in model.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and weight.HasField("raw_data"):
            values = numpy_helper.to_array(weight).ravel()
            weight.ClearField("raw_data")
            weight.float_data.extend(values.tolist())


def _weights_as_nodes(model: onnx.ModelProto, draw: Draw) -> None:
    """Turn some weights into Constant nodes."""
    chosen = [weight for weight in model.graph.initializer if draw.random() < 0.3]
    constants = [onnx.helper.make_node("Constant", [], [each.name], value=each) for each in chosen]
    names = {weight.name for weight in chosen}
    left = [weight for weight in model.graph.initializer if weight.name not in names]
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(left)
    model.graph.node.extend([*constants, *nodes])


def _shapes_left_out(model: onnx.ModelProto, draw: Draw) -> None:
    del draw
    del model.graph.value_info[:]


CHANGES: Mapping[str, Callable[[onnx.ModelProto, Draw], None]] = MappingProxyType(
    {
        "nodes renamed": _nodes_renamed,
        "tensors renamed": _tensors_renamed,
        "weights reordered": _weights_reordered,
        "nodes reordered": _nodes_reordered,
        "another stamp": _stamped,
        "attributes reordered": _attributes_reordered,
        "weights as numbers": _weights_as_numbers,
        "weights as nodes": _weights_as_nodes,
        "shapes left out": _shapes_left_out,
    }
)
"""What an exporter may do differently, by name."""
