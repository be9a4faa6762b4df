"""Cache records at run time: describe their content and execute their graphs on the emulator."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_void_p
from dataclasses import dataclass

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.library import QnnError
from hostsdk.native.session import Session
from hostsdk.native.structs import BinaryInfo, Tensor
from hostsdk.native.tensors import TensorSpec

_BINARY_INFO_VERSION = 3
_PROFILE_REFUSED = 0x1776
"""QNN_GRAPH_ERROR_SET_PROFILE."""


class ProfileRefused(ToolError):
    """The emulator cannot profile the graph's single nodes: seen only with one layer normalisation in float."""


@dataclass(frozen=True)
class GraphInterface:
    """A graph's name, inputs and outputs."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


@contextmanager
def describe(session: Session, record: bytes) -> Iterator[tuple[GraphInterface, ...]]:
    """Yield the graphs in `record`, valid inside the block. Raises `ToolError` (INVALID_RECORD) if unusable."""
    system = session.libraries.system
    handle, info_at = c_void_p(), c_void_p()
    buffer = ctypes.create_string_buffer(record, len(record))
    system.call("contextCreate", byref(handle))
    try:
        try:
            system.call("contextGetMetaData", handle, buffer, len(record), byref(info_at))
        except QnnError as error:
            raise _invalid(f"it cannot be read ({error})") from error
        info = BinaryInfo.from_address(info_at.value or 0)
        if ctypes.c_uint32(info.version).value != _BINARY_INFO_VERSION:
            raise _invalid(f"its description has version {info.version}, not {_BINARY_INFO_VERSION}")
        yield tuple(
            GraphInterface(
                name=graph.graphName.decode(),
                inputs=tuple(TensorSpec.read(t) for t in graph.graphInputs[: graph.numGraphInputs]),
                outputs=tuple(TensorSpec.read(t) for t in graph.graphOutputs[: graph.numGraphOutputs]),
            )
            for graph in info.graphs[: info.numGraphs]
        )
    finally:
        system.status("contextFree", handle)


@contextmanager
def load(session: Session, record: bytes, profile: c_void_p | None) -> Iterator[c_void_p]:
    """Create a context from `record`. Raises `ToolError` (INVALID_RECORD) when the backend refuses it."""
    core = session.libraries.core
    context = c_void_p()
    buffer = ctypes.create_string_buffer(record, len(record))
    try:
        core.call(
            "contextCreateFromBinary",
            session.backend,
            session.device,
            None,
            buffer,
            len(record),
            byref(context),
            profile,
        )
    except QnnError as error:
        raise _invalid(f"the backend refuses it ({error})") from error
    try:
        yield context
    finally:
        core.status("contextFree", context, None)


def execute(
    session: Session,
    graph: c_void_p,
    interface: GraphInterface,
    inputs: Sequence[bytes],
    profile: c_void_p | None,
) -> list[bytes]:
    """Run one inference on the inputs' stored bytes, in the graph's order, and return those of the outputs.

    Raises `ToolError` (EXECUTION_FAILED), or `ProfileRefused` before anything has run.
    """
    in_buffers = [
        (ctypes.c_char * spec.stored_bytes).from_buffer_copy(stored)
        for spec, stored in zip(interface.inputs, inputs, strict=True)
    ]
    out_buffers = [(ctypes.c_char * spec.stored_bytes)() for spec in interface.outputs]
    try:
        session.libraries.core.call(
            "graphExecute",
            graph,
            _bound(interface.inputs, in_buffers),
            len(in_buffers),
            _bound(interface.outputs, out_buffers),
            len(out_buffers),
            profile,
            None,
        )
    except QnnError as error:
        refusal = ProfileRefused if error.status == _PROFILE_REFUSED else ToolError
        raise refusal(
            ErrorCode.EXECUTION_FAILED, f"graph {interface.name} did not execute: {error}.", "HTP Runtime"
        ) from error
    return [buffer.raw for buffer in out_buffers]


def _bound(
    specs: Sequence[TensorSpec], buffers: Sequence[ctypes.Array[ctypes.c_char]]
) -> ctypes.Array[Tensor]:
    return (Tensor * len(specs))(*[s.bind(b) for s, b in zip(specs, buffers, strict=True)])


def _invalid(reason: str) -> ToolError:
    return ToolError(
        ErrorCode.INVALID_RECORD,
        f"the cache record is not usable: {reason}. Prepare the network again.",
        "DLC",
    )
