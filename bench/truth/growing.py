"""Seeded weights for a topology: an ONNX file whose large weights were taken out."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from bench.failure import BenchFailed

_SEED = 7


def read(path: Path) -> Any:
    """The ONNX model of a file, gzip or not, with weights where it has none. Raises BenchFailed."""
    import onnx

    try:
        content = path.read_bytes()
        model = onnx.load_from_string(gzip.decompress(content) if path.suffix == ".gz" else content)
    except Exception as error:  # protobuf's errors have no common class
        raise BenchFailed(f"{path} cannot be read as an ONNX file: {error}.") from error
    grow(model)
    return model


def grow(model: Any) -> int:
    """Give every weight that has no values some, of the size that keeps activations in range; how many there were."""
    import onnx

    random, grown = np.random.default_rng(_SEED), 0
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or tensor.raw_data or tensor.float_data:
            continue
        shape = tuple(tensor.dims)
        if not np.prod(shape):
            continue
        inputs = max(1, int(np.prod(shape[1:]))) if len(shape) > 1 else shape[0]
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
        tensor.raw_data = values.tobytes()
        grown += 1
    return grown
