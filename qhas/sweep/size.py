"""How large a network is, found in milliseconds from its file, before anything is built from it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from fsspec.implementations.local import LocalFileSystem

from qhas.naming import below
from qhas.network.dlc import count_ops
from qhas.network.external_data import data_files
from qhas.network.onnx_file import read_onnx
from qhas.store.addresses import open_address
from qhas.sweep.model_ref import ModelRef

_NO_WORK = frozenset({"QuantizeLinear", "DequantizeLinear", "Constant", "Identity"})
"""Nodes of an ONNX that do not become ops of their own."""


class NetworkSize(NamedTuple):
    """What is cheap to find out about a network."""

    bytes: int
    ops: int | None = None
    """None if the network is not on this host, or in an unknown form."""


def sizes_of(models: Iterable[ModelRef]) -> dict[str, NetworkSize]:
    """Return the sizes that can be found, by model name; faults of a network are left to the code that needs it."""
    sizes = dict[str, NetworkSize]()
    for model in models:
        if model.name not in sizes and not model.llm and (size := _size_of(model)):
            sizes[model.name] = size
    return sizes


def _size_of(model: ModelRef) -> NetworkSize | None:
    try:
        fs, path = open_address(model.source)
        if not isinstance(fs, LocalFileSystem):
            return NetworkSize(int(fs.info(path)["size"]))
        return size_here(Path(path), onnx=bool(model.onnx)) if Path(path).is_file() else None
    except Exception:  # every fsspec backend raises its own
        return None


def size_here(network: Path, *, onnx: bool = False) -> NetworkSize:
    """Return the size of a file on this host, with the external files of an ONNX. Raises OSError."""
    beside = data_files(network) if onnx else []
    size = sum(file.stat().st_size for file in (network, *(below(network.parent, name) for name in beside)))
    try:
        return NetworkSize(size, _nodes(network) if onnx else count_ops(network))
    except ValueError:
        return NetworkSize(size)


def _nodes(onnx: Path) -> int:
    return sum(node.type not in _NO_WORK for node in read_onnx(onnx).nodes)
