"""Child process that computes each layer of an ONNX in ONNX Runtime, from the layer's inputs as seen on the HTP.

`python -m qhas.layers.cut_graph REQUEST.json`. The request names the ONNX (`onnx`), its inputs (`feeds`: a .npy by
name), the tensors seen on the HTP (`seen`: by tensor, the file of float32 and its shape) and the file for the answer
(`target`).

The ONNX is cut at every tensor that was seen: the nodes after it use the seen values. So the error of one layer does
not affect another.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qhas.accuracy.agreement import Agreement, agreement
from qhas.accuracy.layout import arrangements, joined
from qhas.accuracy.runtime import FAILED, bound, options
from qhas.layers.model import Layer, Layers, Nearness

_SEEN = "::seen"
Values = NDArray[Any]


def main(request: Path) -> int:
    """Write the answer and return 0, or return `FAILED` with the reason in the last line of the output."""
    job = json.loads(request.read_text(encoding="utf-8"))
    bound()
    try:
        feeds = {name: np.load(path, allow_pickle=False) for name, path in job["feeds"].items()}
        answer = measured(Path(job["onnx"]), feeds, job["seen"])
    except Exception as error:  # ONNX Runtime's errors have no common base class
        print(" ".join(str(error).split())[:500] or type(error).__name__)
        return FAILED
    Path(job["target"]).write_text(answer.model_dump_json(), encoding="utf-8")
    return 0


def measured(onnx_path: Path, feeds: Mapping[str, Values], seen: Mapping[str, Mapping[str, Any]]) -> Layers:
    """Return the layers, worst first."""
    import onnx

    model = onnx.load(onnx_path, load_external_data=False)
    makers = {name: node for node in model.graph.node for name in node.output}
    tensors = [name for name in (*feeds, *makers) if name in seen]
    inner = [name for name in tensors if name in makers]
    _show(model.graph, inner)
    wanted = _run(model, onnx_path.with_name("layers.onnx"), feeds, inner) | dict(feeds)
    values, layers = {}, {}
    for name in tensors:
        try:
            values[name] = _as_in_onnx(seen[name], wanted[name])
            total = _nearness(agreement(wanted[name], values[name]))
            layers[name] = Layer(tensor=name, total=total)
        except ValueError as error:
            layers[name] = Layer(tensor=name, why=str(error))
            values.pop(name, None)
    regions = {name: _region(name, makers, values) for name in layers}
    _cut(model.graph, values)
    inputs = dict(feeds) | {f"{name}{_SEEN}": each for name, each in values.items()}
    own = _run(model, onnx_path.with_name("layers.onnx"), inputs, inner) | dict(feeds)
    for name, each in values.items():
        near = _nearness(agreement(own[name], each))
        layers[name] = layers[name].model_copy(update={"own": near})
    named = [layer.model_copy(update=_names(regions[name])) for name, layer in layers.items()]
    ranked = sorted(named, key=lambda layer: layer.rank)
    return Layers(layers=ranked, left_out=[name for name in makers if name not in layers])


def _show(graph: Any, names: Iterable[str]) -> None:
    from onnx import ValueInfoProto

    known = {output.name for output in graph.output}
    graph.output.extend(ValueInfoProto(name=name) for name in names if name not in known)


def _cut(graph: Any, values: Mapping[str, Values]) -> None:
    """Make every node use the values that were seen of its inputs."""
    from onnx import helper

    for node in graph.node:
        node.input[:] = [f"{name}{_SEEN}" if name in values else name for name in node.input]
    for name, each in values.items():
        kind = helper.np_dtype_to_tensor_dtype(each.dtype)
        graph.input.append(helper.make_tensor_value_info(f"{name}{_SEEN}", kind, each.shape))


def _run(model: Any, path: Path, feeds: Mapping[str, Values], names: list[str]) -> dict[str, Values]:
    import onnx
    import onnxruntime as ort

    onnx.save(model, path)  # beside the original, where its weights are
    session = ort.InferenceSession(str(path), options(ort), providers=["CPUExecutionProvider"])
    taken = {each.name for each in session.get_inputs()}
    results = session.run(names, {name: each for name, each in feeds.items() if name in taken})
    return dict(zip(names, results, strict=True))


def _as_in_onnx(seen: Mapping[str, Any], wanted: Values) -> Values:
    """Return the values in the ONNX's arrangement. Raises ValueError if they are those of a different tensor."""
    values = np.fromfile(seen["file"], np.float32)
    shape = tuple(seen["shape"] or wanted.shape)
    ways = arrangements(shape, wanted.shape)
    if not ways or values.size != wanted.size:
        raise ValueError(f"it has {joined(shape)} values on the HTP, but {joined(wanted.shape)} in the ONNX")
    placed = [way.applied(values, wanted.shape).astype(wanted.dtype) for way in ways]
    return max(placed, key=lambda each: _sqnr(wanted, each))


def _sqnr(wanted: Values, values: Values) -> float:
    try:
        return agreement(wanted, values).sqnr_db
    except ValueError:
        return -math.inf


def _nearness(measured: Agreement) -> Nearness:
    return Nearness(cosine=round(measured.cosine, 9), sqnr_db=round(measured.sqnr_db, 3))


def _region(name: str, makers: Mapping[str, Any], seen: Mapping[str, Values]) -> list[Any]:
    """Return the nodes between a tensor and the seen ones before it, nearest first."""
    nodes: dict[str, Any] = {}
    open_tensors = [name]
    while open_tensors:
        node = makers.get(open_tensors.pop(0))
        if node is None or node.output[0] in nodes:
            continue
        nodes[node.output[0]] = node
        open_tensors += [each for each in node.input if each not in seen]
    return list(nodes.values())


def _names(region: list[Any]) -> dict[str, list[str]]:
    nodes = [node for node in reversed(region) if node.op_type != "Constant"]
    return {
        "nodes": [node.name or node.output[0] for node in nodes],
        "types": [node.op_type for node in nodes],
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
