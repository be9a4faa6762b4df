"""Graph inputs and outputs as net-run's raw files, which hold float32 values or the tensors' own types."""

from __future__ import annotations

import ctypes
import math
from dataclasses import dataclass
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.structs import Tensor

_MEMORY_RAW = 0
_SCALE_OFFSET = 0
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Storage:
    """How a tensor's elements are stored: numpy's name of the type, and whether they are quantised."""

    dtype: str
    quantized: bool = False


STORAGE: dict[int, Storage] = {
    0x0008: Storage("int8"),
    0x0016: Storage("int16"),
    0x0032: Storage("int32"),
    0x0064: Storage("int64"),
    0x0108: Storage("uint8"),
    0x0116: Storage("uint16"),
    0x0132: Storage("uint32"),
    0x0164: Storage("uint64"),
    0x0216: Storage("float16"),
    0x0232: Storage("float32"),
    0x0308: Storage("int8", quantized=True),
    0x0316: Storage("int16", quantized=True),
    0x0408: Storage("uint8", quantized=True),
    0x0416: Storage("uint16", quantized=True),
    0x0508: Storage("bool"),
}
"""The storage for each Qnn_DataType_t."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output. `native` is the library's own description, from which a call's tensor is copied."""

    name: str
    shape: tuple[int, ...]
    storage: Storage
    scale: float
    offset: int
    native: Tensor

    @classmethod
    def read(cls, tensor: Tensor) -> TensorSpec:
        """Read the library's description of a tensor.

        Raises `ToolError` (INVALID_RECORD) for a data type or an encoding that raw files cannot represent.
        """
        name = tensor.name.decode()
        storage = STORAGE.get(tensor.dataType)
        quantize = tensor.quantizeParams
        if storage is None or (storage.quantized and quantize.quantizationEncoding != _SCALE_OFFSET):
            raise ToolError(
                ErrorCode.INVALID_RECORD,
                f"tensor {name} has data type {tensor.dataType:#06x} in an encoding that raw files cannot carry.",
                "Tensor",
            )
        encoding = quantize.scaleOffsetEncoding
        return cls(
            name=name,
            shape=tuple(tensor.dimensions[: tensor.rank]),
            storage=storage,
            scale=encoding.scale if storage.quantized else 1.0,
            offset=encoding.offset if storage.quantized else 0,
            native=tensor,
        )

    @property
    def float_bytes(self) -> int:
        """The size of the tensor's raw file of float32 values, whatever the tensor's own type."""
        return math.prod(self.shape) * _FLOAT_BYTES

    @property
    def stored_bytes(self) -> int:
        """The tensor's size in the library's memory, and that of its raw file in its own type."""
        width = {"bool": 1}.get(self.storage.dtype) or int(
            "".join(filter(str.isdigit, self.storage.dtype))
        ) // 8
        return math.prod(self.shape) * width

    def store(self, raw: bytes) -> bytes:
        """Convert float32 values to the library's bytes: the nearest values that the type can hold."""
        if self.storage.dtype == "float32":
            return raw
        import numpy as np

        values = np.frombuffer(raw, np.float32).astype(np.float64)
        if self.storage.dtype == "bool":
            return bytes((values != 0).tobytes())
        if self.storage.dtype == "float16":
            return bytes(values.astype(np.float16).tobytes())
        limits = np.iinfo(self.storage.dtype)
        top = np.float64(limits.max)
        if int(top) > limits.max:  # 64-bit integers: a float cannot hold the maximum exactly
            top = np.nextafter(top, 0)
        whole = np.nan_to_num(np.round(values / self.scale) - self.offset)
        return bytes(np.clip(whole, limits.min, top).astype(self.storage.dtype).tobytes())

    def load(self, stored: bytes) -> bytes:
        """Convert the library's bytes to float32 values."""
        if self.storage.dtype == "float32":
            return stored
        import numpy as np

        values = np.frombuffer(stored, self.storage.dtype).astype(np.float32)
        if self.storage.quantized:
            values = (values + np.float32(self.offset)) * np.float32(self.scale)
        return bytes(values.astype(np.float32).tobytes())

    def bind(self, buffer: Any) -> Tensor:
        """Return a tensor for a call, backed by `buffer`, which must outlive it."""
        tensor = Tensor.from_buffer_copy(self.native)
        tensor.memType = _MEMORY_RAW
        tensor.clientBuf.data = ctypes.addressof(buffer)
        tensor.clientBuf.dataSize = ctypes.sizeof(buffer)
        return tensor
