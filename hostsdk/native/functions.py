"""The order of the libraries' function tables (QnnInterface.h, QnnSystemInterface.h), and signatures in use.

Every function returns a Qnn_ErrorHandle_t: zero is success.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_uint32, c_uint64, c_void_p
from typing import Any

from hostsdk.native.structs import SerializationTarget


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CORE_ORDER = _names("""
    propertyHasCapability
    backendCreate backendSetConfig backendGetApiVersion backendGetBuildId backendRegisterOpPackage
    backendGetSupportedOperations backendValidateOpConfig backendFree
    contextCreate contextSetConfig contextGetBinarySize contextGetBinary contextCreateFromBinary contextFree
    graphCreate graphCreateSubgraph graphSetConfig graphAddNode graphFinalize graphRetrieve graphExecute graphExecuteAsync
    tensorCreateContextTensor tensorCreateGraphTensor
    logCreate logSetLogLevel logFree
    profileCreate profileSetConfig profileGetEvents profileGetSubEvents profileGetEventData
    profileGetExtendedEventData profileFree
    memRegister memDeRegister
    deviceGetPlatformInfo deviceFreePlatformInfo deviceGetInfrastructure deviceCreate deviceSetConfig deviceGetInfo
    deviceFree
    signalCreate signalSetConfig signalTrigger signalFree
    errorGetMessage errorGetVerboseMessage errorFreeVerboseMessage
    graphPrepareExecutionEnvironment graphReleaseExecutionEnvironment graphGetProperty
    contextValidateBinary contextCreateFromBinaryWithSignal contextCreateFromBinaryListAsync
    tensorUpdateGraphTensors tensorUpdateContextTensors
    contextGetBinarySectionSize contextGetBinarySection contextApplyBinarySection
    backendGetProperty contextGetProperty contextGetIncrementalBinary contextReleaseIncrementalBinary contextFinalize
    globalConfigSet contextCreateFromBinaryWithCallback contextGetBinarySectionUpdate contextFreeBinarySectionUpdate
    contextAddToDlc
    """)

SYSTEM_ORDER = _names("""
    contextCreate contextGetBinaryInfo contextGetMetaData contextFree
    tensorGetMemoryFootprint
    logCreate logSetLogLevel logFree
    dlcCreateFromFile dlcCreateFromBinary dlcComposeGraphs dlcGetOpMappings dlcFree
    profileCreateSerializationTarget profileSerializeEventData profileFreeSerializationTarget
    dlcGetRecordByName dlcGetRecordsByType dlcGetRecordDataSize dlcReadRecordDataMemoryMapped dlcFreeRecord dlcSave
    dlcCreateFromFileWithDestinationDir
    """)

_HANDLE, _OUT = c_void_p, c_void_p

CORE_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "backendCreate": (_HANDLE, c_void_p, _OUT),
    "backendGetBuildId": (_OUT,),
    "backendFree": (_HANDLE,),
    "contextCreate": (_HANDLE, _HANDLE, c_void_p, _OUT),
    "contextGetBinarySize": (_HANDLE, POINTER(c_uint64)),
    "contextGetBinary": (_HANDLE, c_void_p, c_uint64, POINTER(c_uint64)),
    "contextCreateFromBinary": (_HANDLE, _HANDLE, c_void_p, c_void_p, c_uint64, _OUT, _HANDLE),
    "contextFree": (_HANDLE, _HANDLE),
    "contextAddToDlc": (_HANDLE, _HANDLE),
    "graphSetConfig": (_HANDLE, c_void_p),
    "graphFinalize": (_HANDLE, _HANDLE, _HANDLE),
    "graphRetrieve": (_HANDLE, c_char_p, _OUT),
    "graphExecute": (_HANDLE, c_void_p, c_uint32, c_void_p, c_uint32, _HANDLE, _HANDLE),
    "logCreate": (c_void_p, c_uint32, _OUT),
    "logFree": (_HANDLE,),
    "profileCreate": (_HANDLE, c_uint32, _OUT),
    "profileSetConfig": (_HANDLE, c_void_p),
    "profileGetEvents": (_HANDLE, _OUT, POINTER(c_uint32)),
    "profileGetSubEvents": (c_uint64, _OUT, POINTER(c_uint32)),
    "profileGetEventData": (c_uint64, c_void_p),
    "profileGetExtendedEventData": (c_uint64, c_void_p),
    "profileFree": (_HANDLE,),
    "deviceCreate": (_HANDLE, c_void_p, _OUT),
    "deviceFree": (_HANDLE,),
    "errorGetMessage": (c_uint64, _OUT),
}

_SYSTEM_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "contextCreate": (_OUT,),
    "contextGetMetaData": (_HANDLE, c_void_p, c_uint64, _OUT),
    "contextFree": (_HANDLE,),
    "logCreate": (c_void_p, c_uint32, _OUT),
    "dlcCreateFromFileWithDestinationDir": (_HANDLE, c_char_p, c_char_p, _OUT),
    "dlcSave": (_HANDLE, c_char_p),
    "dlcFree": (_HANDLE,),
    "profileCreateSerializationTarget": (SerializationTarget, c_void_p, c_uint32, _OUT),
    "profileSerializeEventData": (_HANDLE, c_void_p, c_uint32),
    "profileFreeSerializationTarget": (_HANDLE,),
}


def system_signatures(interface: type[ctypes.Structure]) -> dict[str, tuple[Any, ...]]:
    """Return the system library's signatures for a QnnInterface_t, which composeGraphs takes by value."""
    graphs = (c_void_p, c_uint32)
    compose = (_HANDLE, *graphs, _HANDLE, _HANDLE, interface, c_uint32, _OUT, POINTER(c_uint32))
    return {**_SYSTEM_SIGNATURES, "dlcComposeGraphs": compose}
