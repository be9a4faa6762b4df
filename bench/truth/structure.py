"""Structure files: a network without its large weights, in a few kilobytes, and the network that is grown from one.

The doc string of a removed weight describes its values: mean, standard deviation, smallest and largest. Weights are
grown from a seed accordingly, so that variances stay positive and activations in range. In a file from elsewhere,
without these descriptions, weights are scaled by their shape so that activations stay in range.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.failure import BenchFailed

FOLDER = Path(__file__).parent / "structures"
SUFFIX = ".onnx.xz"
_SEED = 7
_FEWEST = 16
"""Weights with fewer values than this are kept."""
_PACKED = 0.5
"""A tensor that compresses to less than this share is not a weight but a pattern, such as a mask, and is kept."""


@cache
def names() -> list[str]:
    """Return the networks whose structure is in the repository."""
    return sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}"))


def path_of(name: str) -> Path:
    """Return the path of a network's structure file."""
    return FOLDER / f"{name}{SUFFIX}"


def read(path: Path) -> Any:
    """Read the ONNX model of a file, packed (.xz, .gz) or not, and grow its missing weights. Raises BenchFailed."""
    model = unpack(path)
    grow(model)
    return model


def unpack(path: Path) -> Any:
    """Read the model as it is in the file, with values from external files next to it, if any. Raises BenchFailed."""
    import onnx

    plain = {".gz": gzip.decompress, ".xz": lzma.decompress}.get(path.suffix, bytes)
    try:
        model = onnx.load_from_string(plain(path.read_bytes()))
        if not model.graph.node:
            raise BenchFailed(f"{path} has no graph: it is not an ONNX file, or it is empty.")
        with suppress(OSError, onnx.checker.ValidationError):  # missing values are grown instead
            onnx.load_external_data_for_model(model, str(path.parent))
    except BenchFailed:
        raise
    except Exception as error:  # protobuf's errors have no common class
        raise BenchFailed(f"{path} cannot be read as an ONNX file: {error}.") from error
    return model


def grow(model: Any) -> int:
    """Give values to every weight that has none; return how many there were."""
    import onnx

    random, grown = np.random.default_rng(_SEED), 0
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or tensor.raw_data or tensor.float_data:
            continue
        shape = tuple(tensor.dims)
        if not np.prod(shape):
            continue
        tensor.raw_data = _values(random, shape, tensor.doc_string).tobytes()
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]
        grown += 1
    return grown


def _values(random: np.random.Generator, shape: tuple[int, ...], like: str) -> NDArray[np.float32]:
    values = random.standard_normal(shape, dtype=np.float32)
    if like:
        mean, spread, least, most = map(np.float32, like.split())
        values = np.clip(values * spread + mean, least, most)
    else:
        inputs = max(1, int(np.prod(shape[1:]))) if len(shape) > 1 else shape[0]
        values *= np.float32(np.sqrt(2 / inputs))
    return values


def pack(model: Any) -> bytes:
    """Return the content of a network's structure file: large weights removed, names shortened."""
    for tensor in _weights(model):
        values = np.frombuffer(tensor.raw_data, np.float32)
        tensor.doc_string = " ".join(
            f"{each:.4g}" for each in (values.mean(), values.std(), values.min(), values.max())
        )
        tensor.ClearField("raw_data")
    _shorten(model)
    return lzma.compress(model.SerializeToString(deterministic=True), preset=9 | lzma.PRESET_EXTREME)


def _weights(model: Any) -> Iterable[Any]:
    import onnx

    for tensor in model.graph.initializer:
        large = tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.raw_data) >= 4 * _FEWEST
        if large and len(zlib.compress(tensor.raw_data, 1)) > _PACKED * len(tensor.raw_data):
            yield tensor


def _shorten(model: Any) -> None:
    graph = model.graph
    del graph.value_info[:]
    del model.metadata_props[:]
    model.doc_string = graph.doc_string = ""
    graph.name = "network"
    ends = {value.name: value.name for value in (*graph.input, *graph.output)}
    numbers = (name for number in count() if (name := f"{number:x}") not in ends)
    short: dict[str, str] = {"": ""} | ends

    def renamed(name: str) -> str:
        if name not in short:
            short[name] = next(numbers)
        return short[name]

    counts = Counter[str]()
    for tensor in graph.initializer:
        tensor.name = renamed(tensor.name)
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
        node.input[:] = map(renamed, node.input)
        node.output[:] = map(renamed, node.output)
        counts[node.op_type] += 1
        node.name = f"{node.op_type}_{counts[node.op_type]}"
