"""Job: find which operations of an ONNX network the HTP of each SoC accepts.

The compiler's own validation decides; nothing is fully compiled. Request: library_dir, onnx, inputs, symbols, batch
(as for `convert`), socs (model numbers by name). Result: nodes (how many there are), macs (of all nodes), socs (by
name: the operations that are not accepted as {type, name, macs, remedy}).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.assignment import (
    RECORD_ASSIGNMENT,
    SILENT,
    Op,
    not_taken,
    qnn_session,
    unregistered,
)
from hostsdk.native.job import Reply
from hostsdk.native.macs import macs_by_node
from hostsdk.native.network import Shapes, ready
from hostsdk.native.reasons import reason_of
from hostsdk.native.remedies import remedies

_MATERIAL = ("Constant",)
"""Operations that are folded before anything is assigned, and so not counted as nodes."""


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
    socs = {}
    for soc, number in request["socs"].items():
        left = remedies([*recurrent, *_left(ort, network, model.graph, directory, number)], model.graph)
        socs[soc] = [
            {"type": kind, "name": name, "macs": macs.get(name, 0), "remedy": remedy}
            for (kind, name), remedy in left.items()
        ]
    nodes = sum(node.op_type not in _MATERIAL for node in model.graph.node)
    reply.result(nodes=nodes, macs=sum(macs.values()), socs=socs)


def _loaded(network: Path) -> Any:
    import onnx

    try:
        return onnx.load(network, load_external_data=False)
    except Exception as error:  # the parser's own exceptions
        raise ToolError(
            ErrorCode.MODEL_LOAD, f"not a usable ONNX model: {reason_of(error)}", "Converter"
        ) from error


def _left(ort: Any, network: Path, graph: Any, directory: Path, soc_model: int) -> list[Op]:
    """List the operations that stay on the CPU."""
    provider = {
        "backend_path": str(directory / "libQnnHtp.so"),
        "soc_model": str(soc_model),
        "dump_qnn_ir_dlc": "1",
        "dump_qnn_ir_dlc_dir": str(Path.cwd()),
        "qnn_ir_backend_path": str(directory / "libQnnIr.so"),
    }
    try:
        session = qnn_session(ort, str(network), provider, {RECORD_ASSIGNMENT: "1"})
    except Exception as error:
        if unknown := unregistered(graph, str(error)):
            return unknown
        raise ToolError(
            ErrorCode.MODEL_LOAD, f"not a usable ONNX model: {reason_of(error)}", "Converter"
        ) from error
    return not_taken(session, graph)
