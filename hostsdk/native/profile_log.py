"""Write events as a profiling log, with the vendor's own serializer."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_void_p
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from hostsdk.errors import ErrorCode, ToolError
from hostsdk.events import Event, Unit
from hostsdk.native.library import Libraries
from hostsdk.native.structs import (
    EventData,
    ExtendedEventData,
    OpaqueObject,
    ProfileData,
    ProfileEvent,
    ProfileHeader,
    SerializationConfig,
    SerializationTarget,
)

_TARGET_FILE = 1
_CONFIG_HEADER = 1
_VERSION_1 = 1
_EVENT_PLAIN, _EVENT_EXTENDED = 0, 1


class Method(IntEnum):
    """QnnSystemProfile_MethodType_t: the call that a message's events belong to."""

    EXECUTE = 1
    FINALIZE = 2
    CREATE_FROM_BINARY = 4


def log_name(index: int, graphs: int) -> str:
    """Return the file name of a graph's log, numbered in the graphs' order if there are several."""
    return f"qnn-profiling-data_{index}.log" if graphs > 1 else "qnn-profiling-data.log"


@dataclass(frozen=True)
class Message:
    """The events of one call. Times are wall clock, in microseconds since the epoch."""

    method: Method
    graph: str
    start_us: int
    stop_us: int
    events: tuple[Event, ...]


@dataclass(frozen=True)
class ProfileLog:
    """An open log; `add` appends one message."""

    libraries: Libraries
    target: c_void_p

    def add(self, message: Message) -> None:
        """Append `message`."""
        keep: list[Any] = []
        header = ProfileHeader(
            startTime=message.start_us,
            stopTime=message.stop_us,
            methodType=int(message.method),
            graphName=message.graph.encode(),
        )
        data = ProfileData(
            version=_VERSION_1,
            header=header,
            events=_event_array(message.events, keep),
            numEvents=len(message.events),
        )
        pointers = (c_void_p * 1)(ctypes.addressof(data))
        self.libraries.system.call("profileSerializeEventData", self.target, pointers, 1)


@contextmanager
def open_log(
    libraries: Libraries, path: Path, application: str, version: str, backend: str
) -> Iterator[ProfileLog]:
    """Open a new log at `path`, complete when the block ends.

    The serializer appends to an existing file and is silent when it cannot write, so an existing file raises
    FileExistsError and a log that did not appear raises `ToolError` (OUTPUT_WRITE).
    """
    if path.exists():
        raise FileExistsError(path)
    system = libraries.system
    config = SerializationConfig(
        type=_CONFIG_HEADER,
        appName=application.encode(),
        appVersion=version.encode(),
        backendVersion=backend.encode(),
    )
    where = SerializationTarget(
        type=_TARGET_FILE, fileName=path.name.encode(), fileDirectory=str(path.parent).encode()
    )
    target = c_void_p()
    system.call("profileCreateSerializationTarget", where, byref(config), 1, byref(target))
    try:
        yield ProfileLog(libraries, target)
    finally:
        system.call("profileFreeSerializationTarget", target)
    if not path.is_file() or not path.stat().st_size:
        raise ToolError(ErrorCode.OUTPUT_WRITE, f"the profiling log {path} was not written.", "Profiling")


def _event_array(events: tuple[Event, ...], keep: list[Any]) -> Any:
    array = (ProfileEvent * len(events))()
    keep.append(array)
    for slot, event in zip(array, events, strict=True):
        if event.payload is None:
            slot.type = _EVENT_PLAIN
            slot.eventData = EventData(
                type=event.type, unit=event.unit, value=event.value, identifier=event.identifier.encode()
            )
        else:
            slot.type = _EVENT_EXTENDED
            slot.extendedEventData = _object(event, event.payload, keep)
        if event.sub_events:
            slot.subEvents = _event_array(event.sub_events, keep)
            slot.numSubEvents = len(event.sub_events)
    return ctypes.cast(array, POINTER(ProfileEvent))


def _object(event: Event, payload: bytes, keep: list[Any]) -> ExtendedEventData:
    buffer = ctypes.create_string_buffer(payload, len(payload))
    keep.append(buffer)
    data = ExtendedEventData(
        version=_VERSION_1, type=event.type, unit=Unit.OBJECT, identifier=event.identifier.encode()
    )
    data.object = OpaqueObject(data=ctypes.addressof(buffer), len=len(payload))
    return data
