"""Job: which operations of an ONNX the HTP of each SoC takes, by the compiler's own validation; nothing is compiled to the end.

Request: library_dir, onnx, inputs, symbols, batch (as of `convert`), socs (model numbers by name). Result: nodes (how many
there are), macs (of all), socs (by name: the operations left out as {type, name, macs}).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.convert import (
    BORDER,
    LAYOUT_SUFFIX,
    RECORD_ASSIGNMENT,
    SILENT,
    qnn_session,
    reason_of,
    unregistered,
)
from hostsdk.native.job import Reply, serve
from hostsdk.native.macs import macs_by_node
from hostsdk.native.network import Shapes, ready

_MATERIAL = ("Constant",)
"""Folded before anything is assigned."""


def support(request: dict[str, Any], reply: Reply) -> None:
    """Run the job in the working directory, which should be empty."""
    import onnxruntime as ort
    import onnxruntime_qnn

    shapes = Shapes(request["inputs"], request["symbols"], request["batch"])
    network, recurrent = ready(Path(request["onnx"]), Path.cwd(), shapes)
    ort.set_default_logger_severity(SILENT)
    ort.register_execution_provider_library("QNN", onnxruntime_qnn.get_library_path())
    directory = Path(request["library_dir"])
    model = _loaded(network)
    macs = macs_by_node(model)
    names = {output: node.name for node in model.graph.node for output in node.output}
    within = _within(model.graph)
    socs = {}
    for soc, number in request["socs"].items():
        left = _left(ort, network, directory, number)
        named = [(kind, name if name in macs else names.get(name, name)) for kind, name in left]
        own = [each for each in named if each[0] not in BORDER or each in within]
        both = dict.fromkeys([*recurrent, *own])
        socs[soc] = [{"type": kind, "name": name, "macs": macs.get(name, 0)} for kind, name in both]
    nodes = sum(node.op_type not in _MATERIAL for node in model.graph.node)
    reply.result(nodes=nodes, macs=sum(macs.values()), socs=socs)


def _loaded(network: Path) -> Any:
    import onnx

    try:
        return onnx.load(network, load_external_data=False)
    except Exception as error:  # the parser's own kinds
        raise ToolError(
            ErrorCode.MODEL_LOAD, f"{network} is not a usable ONNX model: {reason_of(error)}", "Converter"
        ) from error


def _within(graph: Any) -> set[tuple[str, str]]:
    """The (type, name) of what quantises, but not the network's inputs, and of what makes real numbers, but not its outputs.

    Those at the ends ONNX Runtime leaves to the CPU under names of its own; converted whole, the HTP takes them.
    """
    tensors = {value.name for value in (*graph.input, *graph.output)}
    return {
        (node.op_type, node.name)
        for node in graph.node
        if node.op_type in BORDER and tensors.isdisjoint([node.input[0], *node.output])
    }


def _left(ort: Any, network: Path, directory: Path, soc_model: int) -> list[tuple[str, str]]:
    """The operations that stay with the CPU, as (type, name)."""
    provider: Mapping[str, str] = {
        "backend_path": str(directory / "libQnnHtp.so"),
        "soc_model": str(soc_model),
        "dump_qnn_ir_dlc": "1",
        "dump_qnn_ir_dlc_dir": str(Path.cwd()),
        "qnn_ir_backend_path": str(directory / "libQnnIr.so"),
    }
    try:
        session = qnn_session(ort, str(network), dict(provider), {RECORD_ASSIGNMENT: "1"})
    except Exception as error:
        if unknown := unregistered(str(network), str(error)):
            return unknown
        raise ToolError(
            ErrorCode.MODEL_LOAD, f"{network.name} cannot be checked: {reason_of(error)}", "Converter"
        ) from error
    left = [
        (node.op_type, LAYOUT_SUFFIX.sub("", node.name))
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name != "QNN"
        for node in part.get_nodes()
    ]
    return [each for each in left if each[0] not in BORDER] or left


if __name__ == "__main__":
    serve(support)
