"""Find which operations of an ONNX network the HTP accepts, as ONNX Runtime's QNN provider assigns them."""

from __future__ import annotations

import re
from typing import Any

NO_FALLBACK = "session.disable_cpu_ep_fallback"
RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"
SILENT = 4
_UNREGISTERED = re.compile(
    r"(?:(?P<domain>[\w.]+):)?(?P<type>\w+)\(-?\d+\) is not a registered|No Op registered for (?P<unknown>\w+) with"
)
_BORDER = ("QuantizeLinear", "DequantizeLinear")
"""Left to the CPU because of their neighbours, not in their own right."""
_LAYOUT_SUFFIX = re.compile(r"_token_\d+$")
"""Added to a node's name by ONNX Runtime when it changes the node's layout."""
Op = tuple[str, str]
"""Type and name of a node."""


def onnx_graph(path: str) -> Any:
    """Load a network's graph without the weights stored beside it. Raises the parser's own exceptions."""
    import onnx

    return onnx.load(path, load_external_data=False).graph


def qnn_session(ort: Any, onnx: str, provider: dict[str, str], entries: dict[str, str]) -> Any:
    """Open a session of the network in which the QNN provider, with these options, runs what it accepts."""
    options = ort.SessionOptions()
    options.log_severity_level = SILENT
    for key, value in entries.items():
        options.add_session_config_entry(key, value)
    devices = [device for device in ort.get_ep_devices() if device.ep_name == "QNN"]
    options.add_provider_for_devices(devices[:1], provider)
    return ort.InferenceSession(onnx, options)


def not_taken(session: Any, graph: Any) -> list[Op]:
    """List the operations left to the CPU in a session that recorded its assignment, named as in `graph`.

    Nodes that quantise the network's inputs and dequantise its outputs are not listed: the runtime always leaves them
    to the CPU, under names of its own, but the HTP accepts them when the network is converted as a whole.
    """
    own = {node.name for node in graph.node}
    makers = {output: node.name for node in graph.node for output in node.output}
    left = [
        (node.op_type, _LAYOUT_SUFFIX.sub("", node.name))
        for part in session.get_provider_graph_assignment_info()
        if part.ep_name != "QNN"
        for node in part.get_nodes()
    ]
    named = [(kind, name if name in own else makers.get(name, name)) for kind, name in left]
    within = _quantising_within(graph)
    blamed = [op for op in named if op[0] not in _BORDER]
    blamed = [op for op in blamed if op[1] in own] or blamed  # others are inside these or the runtime's own
    return blamed or [op for op in named if op in within]


def _quantising_within(graph: Any) -> set[Op]:
    ends = {value.name for value in (*graph.input, *graph.output)}
    return {
        (node.op_type, node.name)
        for node in graph.node
        if node.op_type in _BORDER and ends.isdisjoint([node.input[0], *node.output])
    }


def unregistered(graph: Any, text: str) -> list[Op]:
    """List the nodes of the operation that, according to the runtime's text, is not registered."""
    match = _UNREGISTERED.search(text)
    if match is None:
        return []
    domain, kind = match["domain"] or "", match["type"] or match["unknown"]
    return [(kind, node.name) for node in graph.node if (node.op_type, node.domain) == (kind, domain)]
