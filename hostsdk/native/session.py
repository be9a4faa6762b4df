"""A backend on a device: what every job opens first and closes last, with the library's log passed on."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ctypes import byref, c_char_p, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from hostsdk.native import library
from hostsdk.native.structs import Config, htp_device_config_of


class LogLevel(IntEnum):
    """QnnLog_Level_t."""

    ERROR = 1
    WARN = 2
    INFO = 3
    VERBOSE = 4


LogSink = Callable[[LogLevel, str], None]

_DEVICE_OPTION_CUSTOM = 0
_HTP_DEVICE_OPTION_SOC = 0
_LOG_LINE_BYTES = 4096
_LogCallback = ctypes.CFUNCTYPE(None, c_char_p, c_uint32, c_uint64, c_void_p)
_HARMLESS = ("unexpected GraphHtpSettings option",)
"""Logged at error level on every run of the 2.51 libraries, whatever the graph."""


@dataclass(frozen=True)
class Session:
    """Open handles, valid only inside `open_session`."""

    libraries: library.Libraries
    backend: c_void_p
    device: c_void_p
    system_log: c_void_p
    complaints: list[str]
    """What the libraries have logged at error level so far; their return codes alone say little."""

    def build_id(self) -> str:
        """Return the libraries' build id, such as v2.51.0.260929181845."""
        text = c_char_p()
        self.libraries.core.call("backendGetBuildId", byref(text))
        return (text.value or b"").decode("ascii", "replace")

    def graph(self, context: c_void_p, name: str) -> c_void_p:
        """Return the handle of a graph in `context`."""
        handle = c_void_p()
        self.libraries.core.call("graphRetrieve", context, name.encode(), byref(handle))
        return handle


@contextmanager
def open_session(
    libraries: library.Libraries, soc_model: int | None, sink: LogSink, level: LogLevel = LogLevel.WARN
) -> Iterator[Session]:
    """Open a session of the libraries, with a device for `soc_model` unless that is None.

    Raises `library.QnnError` when the device is refused.
    """
    core = libraries.core
    complaints: list[str] = []

    def remember(line_level: LogLevel, line: str) -> None:
        if line_level is LogLevel.ERROR:
            complaints.append(line)
        sink(line_level, line)

    with ExitStack() as handles:

        def opened(create: str, free: str, *arguments: Any) -> c_void_p:
            handle = c_void_p()
            core.call(create, *arguments, byref(handle))
            handles.callback(core.status, free, handle)
            return handle

        callback = _callback(remember)
        handles.callback(lambda: callback)  # the libraries call it until the log is freed
        log = opened("logCreate", "logFree", callback, int(level))
        system_log = c_void_p()
        libraries.system.call("logCreate", callback, int(level), byref(system_log))
        backend = opened("backendCreate", "backendFree", log, None)
        device = c_void_p()
        if soc_model is not None:
            device = opened(
                "deviceCreate", "deviceFree", log, _soc_config(soc_model, libraries.layout.soc_offset)
            )
        yield Session(libraries, backend, device, system_log, complaints)


def null_terminated(configs: list[Any]) -> Any:
    """Return a NULL-terminated array of pointers to `configs`, which it keeps alive."""
    array: Any = (c_void_p * (len(configs) + 1))(*[ctypes.addressof(config) for config in configs], None)
    array.kept = configs
    return array


def _soc_config(soc_model: int, offset: int) -> Any:
    custom = htp_device_config_of(offset)(option=_HTP_DEVICE_OPTION_SOC, socModel=soc_model)
    config = Config(option=_DEVICE_OPTION_CUSTOM, value=ctypes.addressof(custom))
    array = null_terminated([config])
    array.custom = custom
    return array


def _callback(sink: LogSink) -> Any:
    vsnprintf = ctypes.CDLL(None).vsnprintf

    def receive(template: bytes, level: int, _timestamp: int, arguments: int) -> None:
        text = ctypes.create_string_buffer(_LOG_LINE_BYTES)
        vsnprintf(text, ctypes.c_size_t(_LOG_LINE_BYTES), c_char_p(template), c_void_p(arguments))
        line = text.value.decode("utf-8", "replace").strip()
        if not any(known in line for known in _HARMLESS):
            sink(LogLevel(min(max(level, LogLevel.ERROR), LogLevel.VERBOSE)), line)

    return _LogCallback(receive)
