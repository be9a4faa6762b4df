"""Compose a DLC's graphs for a device, finalise them, and save the DLC with their cache record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import POINTER, byref, c_uint32, c_uint64, c_void_p, create_string_buffer
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostsdk.dlc.dlc import Dlc
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.graph_options import GraphOptions
from hostsdk.native.library import QnnError
from hostsdk.native.session import Session
from hostsdk.native.structs import GraphInfo

_GRAPH_INFO_VERSION = 1
_REFUSED_OP = re.compile(r"Failed to validate op (?P<op>\S+) with error")
_FOLLOW_UP = re.compile(
    r"Failed to validate op|validateOpConfig failed|Validate OpConfig failed|compose", re.IGNORECASE
)
"""Lines that only say that something before them failed."""
_PREFIX = re.compile(r"^<E>\s*")


@dataclass(frozen=True)
class ComposedDlc:
    """An open DLC whose graphs have been composed in `context`, not yet finalised."""

    session: Session
    dlc: c_void_p
    context: c_void_p
    graph_names: tuple[str, ...]

    def finalize(self, graph_name: str, options: GraphOptions, profile: c_void_p | None) -> None:
        """Compile one graph. Raises `ToolError` when the compiler refuses an option or the graph."""
        core = self.session.libraries.core
        graph = self.session.graph(self.context, graph_name)
        try:
            if options:
                core.call("graphSetConfig", graph, options.array())
        except QnnError as error:
            raise ToolError(
                ErrorCode.GRAPH_CONFIG, f"the HTP compiler refused a graph option: {error}.", "HTP Compiler"
            ) from error
        try:
            core.call("graphFinalize", graph, profile, None)
        except QnnError as error:
            raise ToolError(
                ErrorCode.GRAPH_FINALIZE,
                f"the HTP compiler cannot finalise {graph_name}: {error}.",
                "HTP Compiler",
            ) from error

    def binary(self) -> bytes:
        """Return the context binary, which becomes the content of the cache record."""
        core, size = self.session.libraries.core, self.binary_bytes()
        buffer = create_string_buffer(size)
        written = c_uint64()
        core.call("contextGetBinary", self.context, buffer, size, byref(written))
        return buffer.raw[: written.value]

    def binary_bytes(self) -> int:
        """Return the size of the context binary."""
        size = c_uint64()
        self.session.libraries.core.call("contextGetBinarySize", self.context, byref(size))
        return size.value

    def save(self, path: Path) -> None:
        """Add the context to the DLC as a cache record and write the DLC to `path`."""
        self.session.libraries.core.call("contextAddToDlc", self.context, self.dlc)
        self.session.libraries.system.call("dlcSave", self.dlc, str(path).encode())


@contextmanager
def compose(session: Session, dlc_path: Path, scratch: Path) -> Iterator[ComposedDlc]:
    """Open `dlc_path` and compose its graphs, and those of the DLCs joined to it.

    The library's temporary files go to `scratch`. Raises `ToolError`: MODEL_LOAD when the library cannot read the
    network or two graphs have the same name, UNSUPPORTED_LAYER when the backend refuses an op.
    """
    core, system = session.libraries.core, session.libraries.system
    context = c_void_p()
    core.call("contextCreate", session.backend, session.device, None, byref(context))
    with ExitStack() as handles:
        handles.callback(core.status, "contextFree", context, None)
        opened, names = list[c_void_p](), list[str]()
        for path in (dlc_path, *_joined(dlc_path, scratch)):
            dlc = c_void_p()
            arguments = (session.system_log, str(path).encode(), str(scratch).encode(), byref(dlc))
            _read(session, path, "dlcCreateFromFileWithDestinationDir", *arguments)
            handles.callback(system.status, "dlcFree", dlc)
            opened.append(dlc)
            names += _compose(session, path, dlc, context)
        if twice := [name for name in names if names.count(name) > 1]:
            raise ToolError(
                ErrorCode.MODEL_LOAD,
                f"the DLC would have two graphs named {twice[0]}: join DLCs with different graph names.",
                "DLC",
            )
        yield ComposedDlc(session, opened[0], context, tuple(names))


def _joined(dlc_path: Path, scratch: Path) -> Iterator[Path]:
    """Yield copies of the DLCs joined to this one: the library only reads files."""
    container = Dlc(dlc_path)
    for record in container.joined():
        copy = scratch / f"{record}.dlc"
        copy.write_bytes(container.read(record))
        yield copy


def _compose(session: Session, dlc_path: Path, dlc: c_void_p, context: c_void_p) -> tuple[str, ...]:
    graphs, count = POINTER(GraphInfo)(), c_uint32()
    interface, version = session.libraries.interface, _GRAPH_INFO_VERSION
    arguments = (dlc, None, 0, session.backend, context, interface, version, byref(graphs), byref(count))
    try:
        _read(session, dlc_path, "dlcComposeGraphs", *arguments)
    except ToolError as error:
        raise _refused_op(session.complaints) or error from error
    return tuple(graphs[index].graphName.decode() for index in range(count.value))


def _read(session: Session, dlc_path: Path, function: str, *arguments: Any) -> None:
    """Call a reading function; its own text ("memory allocation") is misleading for every kind of damage."""
    try:
        session.libraries.system.call(function, *arguments)
    except QnnError as error:
        raise ToolError(
            ErrorCode.MODEL_LOAD,
            f"the network in {dlc_path.name} cannot be read: {error}. The file is damaged, or made by a newer SDK.",
            "DLC",
        ) from error


def _refused_op(complaints: list[str]) -> ToolError | None:
    """Return an error naming the op the backend refused for this SoC and why, if the libraries' log names one."""
    refused = [match["op"] for line in complaints if (match := _REFUSED_OP.search(line))]
    if not refused:
        return None
    reasons = [line for line in complaints if not _FOLLOW_UP.search(line)]
    why = f": {_PREFIX.sub('', reasons[-1]).rstrip('.')}" if reasons else ""
    return ToolError(
        ErrorCode.UNSUPPORTED_LAYER, f"No backend could validate Op={refused[0]}{why}.", "Model Validation"
    )
