"""Fold constants, as ONNX Runtime does before it runs a network: quantisers expect this."""

from __future__ import annotations

from pathlib import Path


def fold(source: Path, target: Path, data: str | None = None) -> Path:
    """Write `source` with constants folded and batch normalisation merged into its convolutions.

    Large weights go to the file `data` beside it, if given. Raises what ONNX Runtime raises for a network it cannot
    load.
    """
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 4
    if data:
        options.add_session_config_entry("session.optimized_model_external_initializers_file_name", data)
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
    folded = onnx.load(target, load_external_data=False)
    del folded.metadata_props[:]  # ONNX Runtime 1.32's pre-processing fails on them
    onnx.save(folded, target)
    return target
