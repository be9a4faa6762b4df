"""Read the inputs of an ONNX network from files of float32 values, as named in the tools' input lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hostsdk.errors import ErrorCode, ToolError


@dataclass(frozen=True)
class Inputs:
    """The shapes and data types of inputs by name, in the network's order."""

    tensors: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]

    def feed(self, files: Mapping[str, str]) -> dict[str, NDArray[np.generic]]:
        """Return the values of one inference, each file's cast to its input's type.

        A lone file may be named "". Raises `ToolError` for a file that cannot be read, and for a name, a number or a
        size that does not fit.
        """
        names = dict(files)
        if set(names) == {""} and len(self.tensors) == 1:
            names = {next(iter(self.tensors)): names[""]}
        if set(names) != set(self.tensors):
            listed = ", ".join(name or "one without a name" for name in names)
            raise ToolError(
                ErrorCode.WRONG_INPUT_NAME,
                f"the list names {listed}, but the network needs {', '.join(self.tensors)}.",
                "Input List",
            )
        return {name: self._read(name, Path(names[name])) for name in self.tensors}

    def _read(self, name: str, path: Path) -> NDArray[np.generic]:
        shape, dtype = self.tensors[name]
        try:
            values = np.fromfile(path, np.float32)
        except OSError as error:
            raise ToolError(
                ErrorCode.TENSOR_FILE_READ,
                f"the file {path} for input {name} cannot be read ({error.strerror}).",
                "Input List",
            ) from error
        if values.nbytes != path.stat().st_size or values.size != prod(shape):
            raise ToolError(
                ErrorCode.SIZE_MISMATCH,
                f"{path} has {path.stat().st_size} bytes, but input {name} needs {4 * prod(shape)}: "
                f"{' x '.join(map(str, shape))} values of float32.",
                "Input List",
            )
        return values.reshape(shape).astype(dtype)


def inputs_of(network: Path) -> Inputs:
    """Return the inputs of a network whose shapes are settled."""
    import onnx

    graph = onnx.load(network, load_external_data=False).graph
    constants = {constant.name for constant in graph.initializer}
    return Inputs(
        {
            value.name: (
                tuple(each.dim_value for each in value.type.tensor_type.shape.dim),
                onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type),
            )
            for value in graph.input
            if value.name not in constants
        }
    )
