"""Netron as a judge of DLCs and of HTP graphs (`_htp.json`)."""

from pathlib import Path
from typing import Any

from .node import package_directory, run_script


def open_model(path: Path) -> dict[str, Any]:
    """Return what Netron shows of a model, whose format Netron recognises by its content.

    `format` ("DLC", "DLC v3" ..., "QNN" for an HTP graph), `node_count` over all graphs, and `graphs`: name, inputs,
    outputs and `nodes` with name, type, inputs, outputs (tensor names) and attributes.
    Raises JudgeError with Netron's message for a file that it cannot open.
    """
    model: dict[str, Any] = run_script("netron_reader.mjs", package_directory("netron"), path)
    model["node_count"] = sum(len(graph["nodes"]) for graph in model["graphs"])
    return model
