"""HTP graph options in the form that the compiler accepts (QnnHtpGraph.h)."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from hostsdk.native.session import null_terminated
from hostsdk.native.structs import Config, HtpFinalizeConfig, HtpGraphConfig, HtpOptimization, Scalar

_GRAPH_OPTION_CUSTOM = 0


class Option(IntEnum):
    """The values of QnnHtpGraph_ConfigOption_t in use."""

    OPTIMIZATION = 1
    VTCM_SIZE_MB = 3
    HVX_THREADS = 6
    FINALIZE_CONFIG = 7


class Optimization(IntEnum):
    """The values of QnnHtpGraph_OptimizationType_t in use."""

    FINALIZE_FLAG = 3
    """The optimisation level, 1 to 3."""
    ENABLE_DLBC = 4
    """Lossless bandwidth compression of activations: 1 on, 0 off."""


class ScalarType(IntEnum):
    """Qnn_DataType_t of the finaliser's named settings."""

    INT32 = 0x0032
    FLOAT32 = 0x0232
    STRING = 0x0608


@dataclass
class GraphOptions:
    """Options collected for one graph; what `array` returns for graphSetConfig lives as long as this object."""

    _custom: list[HtpGraphConfig] = field(default_factory=list)
    _kept: list[Any] = field(default_factory=list)

    def optimization(self, kind: Optimization, value: float) -> None:
        """Set one optimisation."""
        entry = HtpGraphConfig(option=Option.OPTIMIZATION)
        entry.optimizationOption = HtpOptimization(type=kind, floatValue=value)
        self._custom.append(entry)

    def vtcm_mb(self, megabytes: int) -> None:
        """Plan for this much VTCM."""
        self._custom.append(HtpGraphConfig(option=Option.VTCM_SIZE_MB, vtcmSizeInMB=megabytes))

    def hvx_threads(self, count: int) -> None:
        """Plan for this many HVX threads."""
        self._custom.append(HtpGraphConfig(option=Option.HVX_THREADS, numHvxThreads=count))

    def finalize_setting(self, key: str, value: int | float | str) -> None:
        """Set one of the finaliser's named settings."""
        name = ctypes.create_string_buffer(key.encode())
        entry = HtpGraphConfig(option=Option.FINALIZE_CONFIG)
        entry.finalizeConfig = HtpFinalizeConfig(
            key=ctypes.cast(name, ctypes.c_char_p), value=self._scalar(value)
        )
        self._kept.append(name)
        self._custom.append(entry)

    def _scalar(self, value: int | float | str) -> Scalar:
        if isinstance(value, int):
            return Scalar(dataType=ScalarType.INT32, bits=value)
        if isinstance(value, float):
            return Scalar(dataType=ScalarType.FLOAT32, bits=struct.unpack("<I", struct.pack("<f", value))[0])
        text = ctypes.create_string_buffer(value.encode())
        self._kept.append(text)
        return Scalar(dataType=ScalarType.STRING, bits=ctypes.addressof(text))

    def __bool__(self) -> bool:
        return bool(self._custom)

    def array(self) -> Any:
        """Return the NULL-terminated array of graph configs."""
        configs = [Config(option=_GRAPH_OPTION_CUSTOM, value=ctypes.addressof(c)) for c in self._custom]
        return null_terminated(configs)
