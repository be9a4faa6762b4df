"""Load the libraries of one generation, and call their functions."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.generations import Layout
from hostsdk.native import functions, structs
from hostsdk.native.structs import InterfaceHead, SystemInterfaceHead

_CORE_MAJOR, _SYSTEM_MAJOR = 2, 1
"""The major API versions whose function tables begin like those declared here."""


class QnnError(Exception):
    """A function of the library returned an error. `status` is the library's number, not an SNPE code."""

    def __init__(self, function: str, status: int, text: str) -> None:
        super().__init__(f"{function} returned {status:#x} ({text or 'no text'})")
        self.function = function
        self.status = status


@dataclass(frozen=True)
class Api:
    """One library's function table: calls functions by name, and raises `QnnError` for a non-zero result."""

    addresses: dict[str, int]
    signatures: dict[str, tuple[Any, ...]]

    def call(self, name: str, *arguments: Any) -> None:
        """Call the function; its outputs are among the arguments."""
        status = self.status(name, *arguments)
        if status:
            raise QnnError(name, status, self._message(status))

    def status(self, name: str, *arguments: Any) -> int:
        """Call the function and return its error handle."""
        prototype = ctypes.CFUNCTYPE(c_uint64, *self.signatures[name])
        return int(prototype(self.addresses[name])(*arguments))

    def _message(self, status: int) -> str:
        if "errorGetMessage" not in self.signatures:
            return ""
        text = c_char_p()
        known = self.status("errorGetMessage", status, byref(text)) == 0
        return (text.value or b"").decode("utf-8", "replace") if known else ""


@dataclass(frozen=True)
class Libraries:
    """Both libraries. `interface` is the HTP provider's own structure, which composeGraphs needs."""

    core: Api
    system: Api
    interface: Any
    layout: Layout
    system_interface_version: tuple[int, ...]

    @property
    def versions(self) -> dict[str, str]:
        """The API versions the libraries report, for display."""
        return {
            "core": _dotted(self.interface.coreApiVersion),
            "htp": _dotted(self.interface.backendApiVersion),
            "system": _dotted(self.system_interface_version),
        }


def asked_for(request: dict[str, Any]) -> Libraries:
    """Load the libraries that a job's request names. Raises as `load` does."""
    return load(Path(request["library_dir"]), Layout(**request["layout"]))


def load(directory: Path, layout: Layout) -> Libraries:
    """Load libQnnHtp.so and libQnnSystem.so from `directory`.

    Raises `ToolError` (RUNTIME_UNAVAILABLE) when this interpreter's structure sizes are not the libraries', or when a
    library cannot be loaded or reports a major API version other than the one this binding is written for. A wrong
    `layout` is not detected here: the first call that passes a structure crashes the process.
    """
    for struct, size in structs.SIZES.items():
        if ctypes.sizeof(struct) != size:
            raise _refused(f"{struct.__name__} has {ctypes.sizeof(struct)} bytes here, not {size}")
    core_at = _provider(directory / "libQnnHtp.so", "QnnInterface_getProviders")
    interface: Any = structs.interface_of(layout.pointers).from_address(core_at)
    _require("QNN core", interface.coreApiVersion, _CORE_MAJOR)
    system_at = _provider(directory / "libQnnSystem.so", "QnnSystemInterface_getProviders")
    system_version = tuple(SystemInterfaceHead.from_address(system_at).systemApiVersion)
    _require("QNN system", system_version, _SYSTEM_MAJOR)
    core_table = core_at + ctypes.sizeof(InterfaceHead)
    system_table = system_at + ctypes.sizeof(SystemInterfaceHead)
    return Libraries(
        core=Api(_addresses(core_table, functions.CORE_ORDER), functions.CORE_SIGNATURES),
        system=Api(
            _addresses(system_table, functions.SYSTEM_ORDER), functions.system_signatures(type(interface))
        ),
        interface=interface,
        layout=layout,
        system_interface_version=system_version,
    )


def _provider(path: Path, symbol: str) -> int:
    """Return the address of the library's first (and only) provider."""
    try:
        get_providers = getattr(ctypes.CDLL(str(path)), symbol)
    except (OSError, AttributeError) as error:
        raise _refused(f"cannot load {path}: {error}") from error
    get_providers.restype = c_uint64
    providers, count = POINTER(c_void_p)(), c_uint32()
    status = get_providers(byref(providers), byref(count))
    if status or not count.value or not providers[0]:
        raise _refused(f"{path.name} provides no interface (status {status:#x})")
    return int(providers[0])


def _addresses(table: int, order: tuple[str, ...]) -> dict[str, int]:
    pointers = (c_uint64 * len(order)).from_address(table)
    return dict(zip(order, pointers, strict=True))


def _require(what: str, version: Any, major: int) -> None:
    if version[0] != major:
        raise _refused(f"the libraries report {what} API {_dotted(version)}, and this one needs {major}.x")


def _dotted(version: Any) -> str:
    return ".".join(str(part) for part in version)


def _refused(reason: str) -> ToolError:
    from hostsdk.wheel import INSTALL

    return ToolError(ErrorCode.RUNTIME_UNAVAILABLE, f"{reason}: run {INSTALL} again.", "Host SDK")
