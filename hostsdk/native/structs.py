"""The structures of QNN's public C headers that the jobs use, as they are in every generation's libraries.

The two that differ between generations are built from a `Layout`'s values. Field names follow the headers. A
structure's version field, if it has one, selects the union member; only the members in use are declared.
"""

from __future__ import annotations

import ctypes
import functools
from ctypes import (
    POINTER,
    Structure,
    Union,
    c_char_p,
    c_float,
    c_int32,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)


class InterfaceHead(Structure):
    """The part of QnnInterface_t before its function table; the same in every generation."""

    _fields_ = [
        ("backendId", c_uint32),
        ("providerName", c_char_p),
        ("coreApiVersion", c_uint32 * 3),
        ("backendApiVersion", c_uint32 * 3),
    ]


@functools.cache
def interface_of(pointers: int) -> type[Structure]:
    """Return QnnInterface_t: it is passed to composeGraphs by value, so its full size matters."""
    return type("QnnInterface", (InterfaceHead,), {"_fields_": [("functions", c_void_p * pointers)]})


class SystemInterfaceHead(Structure):
    """The part of QnnSystemInterface_t before its function table."""

    _fields_ = [("backendId", c_uint32), ("providerName", c_char_p), ("systemApiVersion", c_uint32 * 3)]


class Config(Structure):
    """Every Qnn*_Config_t in use: an option number and a pointer- or integer-sized value."""

    _fields_ = [("option", c_uint32), ("value", c_void_p)]


_HTP_DEVICE_CONFIG_BYTES = 64


@functools.cache
def htp_device_config_of(soc_offset: int) -> type[Structure]:
    """Return QnnHtpDevice_CustomConfig_t, whose option 0 selects the SoC by soc_model."""
    fields = [
        ("option", c_uint32),
        ("_align", c_uint8 * (soc_offset - 4)),
        ("socModel", c_uint32),
        ("_rest", c_uint8 * (_HTP_DEVICE_CONFIG_BYTES - soc_offset - 4)),
    ]
    return type("HtpDeviceConfig", (Structure,), {"_fields_": fields})


class Scalar(Structure):
    """Qnn_Scalar_t, with its value as the eight bytes of the union."""

    _fields_ = [("dataType", c_uint32), ("bits", c_uint64)]


class HtpOptimization(Structure):
    """QnnHtpGraph_OptimizationOption_t."""

    _fields_ = [("type", c_uint32), ("floatValue", c_float)]


class HtpFinalizeConfig(Structure):
    """QnnHtpGraph_FinalizeConfig_t: a named setting of the finaliser."""

    _fields_ = [("key", c_char_p), ("value", Scalar)]


class _HtpGraphConfigUnion(Union):
    _fields_ = [
        ("optimizationOption", HtpOptimization),
        ("vtcmSizeInMB", c_uint32),
        ("numHvxThreads", c_uint64),
        ("finalizeConfig", HtpFinalizeConfig),
        ("_size", c_uint8 * 48),
    ]


class HtpGraphConfig(Structure):
    """QnnHtpGraph_CustomConfig_t."""

    _anonymous_ = ("_value",)
    _fields_ = [("option", c_uint32), ("_value", _HtpGraphConfigUnion)]


class ScaleOffset(Structure):
    """Qnn_ScaleOffset_t: real = scale * (stored + offset)."""

    _fields_ = [("scale", c_float), ("offset", c_int32)]


class _QuantizeUnion(Union):
    _fields_ = [("scaleOffsetEncoding", ScaleOffset), ("_size", c_uint64 * 4)]


class QuantizeParams(Structure):
    """Qnn_QuantizeParams_t."""

    _anonymous_ = ("_value",)
    _fields_ = [
        ("encodingDefinition", c_uint32),
        ("quantizationEncoding", c_uint32),
        ("_value", _QuantizeUnion),
    ]


class ClientBuffer(Structure):
    """Qnn_ClientBuffer_t."""

    _fields_ = [("data", c_void_p), ("dataSize", c_uint32)]


class Tensor(Structure):
    """Qnn_Tensor_t with its version 2 member flattened into it."""

    _fields_ = [
        ("version", c_uint32),
        ("_align", c_uint32),
        ("id", c_uint32),
        ("name", c_char_p),
        ("type", c_uint32),
        ("dataFormat", c_uint32),
        ("dataType", c_uint32),
        ("quantizeParams", QuantizeParams),
        ("rank", c_uint32),
        ("dimensions", POINTER(c_uint32)),
        ("memType", c_uint32),
        ("clientBuf", ClientBuffer),
        ("isDynamicDimensions", c_void_p),
        ("sparseParams", c_uint32 * 3),
        ("isProduced", c_uint8),
    ]


class GraphInfo(Structure):
    """The leading fields that versions 1 to 3 of Qnn(System)Context_GraphInfo_t share, with version 3's size."""

    _fields_ = [
        ("version", c_uint32),
        ("graphName", c_char_p),
        ("numGraphInputs", c_uint32),
        ("graphInputs", POINTER(Tensor)),
        ("numGraphOutputs", c_uint32),
        ("graphOutputs", POINTER(Tensor)),
        ("numUpdateableTensors", c_uint32),
        ("updateableTensors", c_void_p),
        ("graphBlobInfoSize", c_uint32),
        ("graphBlobInfo", c_void_p),
        ("startOpIndex", c_uint32),
        ("endOpIndex", c_uint32),
    ]


class BinaryInfo(Structure):
    """QnnSystemContext_BinaryInfo_t with its version 3 member flattened into it."""

    _fields_ = [
        ("version", c_uint64),
        ("backendId", c_uint32),
        ("buildId", c_char_p),
        ("coreApiVersion", c_uint32 * 3),
        ("backendApiVersion", c_uint32 * 3),
        ("socVersion", c_char_p),
        ("contextBlobVersion", c_uint32 * 3),
        ("contextBlobSize", c_uint64),
        ("numContextTensors", c_uint32),
        ("contextTensors", c_void_p),
        ("numGraphs", c_uint32),
        ("graphs", POINTER(GraphInfo)),
        ("platformInfo", c_void_p),
        ("numContextMetadata", c_uint32),
        ("contextMetadata", c_void_p),
        ("socModel", c_uint32),
    ]


class EventData(Structure):
    """QnnProfile_EventData_t."""

    _fields_ = [("type", c_uint32), ("unit", c_uint32), ("value", c_uint64), ("identifier", c_char_p)]


class OpaqueObject(Structure):
    """Qnn_OpaqueObject_t."""

    _fields_ = [("data", c_void_p), ("len", c_uint64), ("fileName", c_char_p)]


class _ExtendedValue(Union):
    _fields_ = [("scalar", Scalar), ("object", OpaqueObject)]


class ExtendedEventData(Structure):
    """QnnProfile_ExtendedEventData_t with its version 1 member flattened into it."""

    _anonymous_ = ("_value",)
    _fields_ = [
        ("version", c_uint64),
        ("type", c_uint32),
        ("unit", c_uint32),
        ("_value", _ExtendedValue),
        ("timestamp", c_uint64),
        ("identifier", c_char_p),
    ]


class _ProfileEventUnion(Union):
    _fields_ = [("eventData", EventData), ("extendedEventData", ExtendedEventData)]


class ProfileEvent(Structure):
    """QnnSystemProfile_ProfileEventV1_t; `type` 0 selects eventData, 1 selects extendedEventData."""

    _anonymous_ = ("_value",)


ProfileEvent._fields_ = [
    ("type", c_uint32),
    ("_value", _ProfileEventUnion),
    ("subEvents", POINTER(ProfileEvent)),
    ("numSubEvents", c_uint32),
]


class ProfileHeader(Structure):
    """QnnSystemProfile_ProfileDataHeader: wall clock in microseconds since the epoch."""

    _fields_ = [
        ("startTime", c_uint64),
        ("stopTime", c_uint64),
        ("startMonotonic", c_uint64),
        ("stopMonotonic", c_uint64),
        ("methodType", c_uint32),
        ("visibility", c_uint32),
        ("graphName", c_char_p),
    ]


class ProfileData(Structure):
    """QnnSystemProfile_ProfileData_t with its version 1 member flattened into it."""

    _fields_ = [
        ("version", c_uint64),
        ("header", ProfileHeader),
        ("events", POINTER(ProfileEvent)),
        ("numEvents", c_uint32),
    ]


class SerializationConfig(Structure):
    """QnnSystemProfile_SerializationTargetConfig_t of type 1: the log's header."""

    _fields_ = [
        ("type", c_uint32),
        ("appName", c_char_p),
        ("appVersion", c_char_p),
        ("backendVersion", c_char_p),
    ]


class SerializationTarget(Structure):
    """QnnSystemProfile_SerializationTarget_t of type 1: a file in a directory. Passed by value."""

    _fields_ = [("type", c_uint32), ("fileName", c_char_p), ("fileDirectory", c_char_p)]


SIZES: dict[type[ctypes.Structure], int] = {
    interface_of(72): 616,
    interface_of(75): 640,
    htp_device_config_of(4): 64,
    htp_device_config_of(8): 64,
    Tensor: 144,
    QuantizeParams: 40,
    HtpGraphConfig: 56,
    ExtendedEventData: 56,
}
"""Sizes the libraries were observed to use; a mismatch means this interpreter's ABI is not theirs."""
