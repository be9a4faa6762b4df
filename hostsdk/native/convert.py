"""Job: convert ONNX to DLC, through ONNX Runtime's QNN provider with every operation checked against the HTP.

Request: library_dir, onnx, inputs (shapes by name), symbols (values by name), batch (a number or null), and
optionally boundary (`Boundary`) and inner (bool: make inner tensors outputs too). Result: dlc, trace and inner (paths
in the working directory; the trace says which operations became which, null if the provider writes none; inner names
the tensors that the added outputs show, null if not requested), warnings (sentences on what costs time). A network
that the HTP cannot accept as a whole is refused with the operations named; the provider would otherwise write a DLC
of the supported part alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.assignment import (
    NO_FALLBACK,
    RECORD_ASSIGNMENT,
    SILENT,
    not_taken,
    onnx_graph,
    qnn_session,
    unregistered,
)
from hostsdk.native.boundary import Boundary, rewrite
from hostsdk.native.costly_forms import costly_forms
from hostsdk.native.inner_outputs import give_out
from hostsdk.native.job import Reply
from hostsdk.native.network import Shapes, ready
from hostsdk.native.reasons import reason_of
from hostsdk.native.remedies import refusal

INNER = "inner.json"
_TRACE = "qnn_op_trace.json"
"""The provider's name for the trace (ONNX Runtime's QNN provider 2.7, schema version 2)."""
_LARGEST_FILE = (1 << 31) - (1 << 20)
"""The size limit of a protobuf, less what its framing may take."""


def convert(request: dict[str, Any], reply: Reply) -> None:
    """Run the job in the working directory, which should be empty."""
    import onnxruntime as ort
    import onnxruntime_qnn

    directory, onnx = Path(request["library_dir"]), _ready(request)
    ort.set_default_logger_severity(SILENT)
    ort.register_execution_provider_library("QNN", onnxruntime_qnn.get_library_path())
    htp = {"backend_path": str(directory / "libQnnHtp.so")}
    dump = {
        "dump_qnn_ir_dlc": "1",
        "dump_qnn_ir_dlc_dir": str(Path.cwd()),
        "enable_framework_op_trace": "1",
        "framework_op_trace_dir": str(Path.cwd()),
        "qnn_ir_backend_path": str(directory / "libQnnIr.so"),
    }
    try:
        qnn_session(ort, onnx, htp | dump, {NO_FALLBACK: "1"})
    except Exception as error:
        raise _explained(ort, onnx, htp, error) from error
    dlcs = sorted(Path.cwd().glob("*.dlc"))
    if not dlcs:
        raise ToolError(
            ErrorCode.UNSUPPORTED_LAYER,
            "the network leaves nothing to run on the HTP, as its outputs are constants or its inputs themselves: give it an output that an operation computes from an input.",
            "Converter",
        )
    if len(dlcs) != 1:
        raise ToolError(
            ErrorCode.UNSUPPORTED_LAYER,
            f"the network became {len(dlcs)} graphs instead of one.",
            "Converter",
        )
    trace = Path.cwd() / _TRACE
    inner = Path.cwd() / INNER
    reply.result(
        dlc=str(dlcs[0]),
        trace=str(trace) if trace.is_file() else None,
        inner=str(inner) if inner.is_file() else None,
        warnings=_warnings(onnx),
    )


def _warnings(network: str) -> list[str]:
    import onnx

    return costly_forms(onnx.load(network, load_external_data=False))


def _ready(request: dict[str, Any]) -> str:
    """Return the network to give to the runtime, prepared."""
    shapes = Shapes(request["inputs"], request["symbols"], request["batch"])
    network, recurrent = ready(Path(request["onnx"]), Path.cwd(), shapes)
    if recurrent:
        raise refusal(recurrent, onnx_graph(str(network)))
    boundary = Boundary(**request.get("boundary", {}))
    rewritten = _rewritten(network, boundary) if boundary else network
    return str(_with_inner(rewritten) if request.get("inner") else rewritten)


def _rewritten(network: Path, boundary: Boundary) -> Path:
    import onnx

    try:
        model = onnx.load(network)
    except Exception:  # the runtime reports it better
        return network
    rewrite(model, boundary)
    return _saved(model, "boundary")


def _with_inner(network: Path) -> Path:
    """Save the network with its inner tensors as outputs too, and list these in `INNER`."""
    import onnx

    try:
        model = onnx.load(network)
    except Exception:  # the runtime reports it better
        return network
    Path(INNER).write_text(json.dumps(give_out(model)), encoding="utf-8")
    return _saved(model, "inner")


def _saved(model: Any, name: str) -> Path:
    import onnx

    target = Path.cwd() / f"{name}.onnx"
    external = model.ByteSize() > _LARGEST_FILE
    onnx.save(model, target, save_as_external_data=external, location=f"{name}.weights")
    return target


def _explained(ort: Any, network: str, htp: dict[str, str], error: Exception) -> ToolError:
    """Return why the session failed: operations left to the CPU if they are the cause, else the runtime's text."""
    try:
        graph = onnx_graph(network)
    except Exception:  # the parser's own exceptions
        return _unusable(network, error)
    try:
        session = qnn_session(ort, network, htp, {RECORD_ASSIGNMENT: "1"})
    except Exception as load:  # what is wrong even if the CPU may run all of it
        unknown = unregistered(graph, str(error))
        return refusal(unknown, graph) if unknown else _unusable(network, load)
    if culprits := not_taken(session, graph):
        return refusal(culprits, graph)
    return ToolError(
        ErrorCode.UNKNOWN, f"the converter failed on {Path(network).name}: {reason_of(error)}", "Converter"
    )


def _unusable(network: str, error: Exception) -> ToolError:
    return ToolError(
        ErrorCode.MODEL_LOAD,
        f"{Path(network).name} is not a usable ONNX model: {reason_of(error)}",
        "Converter",
    )
