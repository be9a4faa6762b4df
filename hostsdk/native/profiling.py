"""Open profile handles, and read their events as values."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, byref, c_uint32, c_uint64, c_void_p
from enum import IntEnum

from hostsdk.events import Event, Unit
from hostsdk.native.library import Api
from hostsdk.native.session import Session, null_terminated
from hostsdk.native.structs import Config, EventData, ExtendedEventData

_OPTION_ENABLE_OPTRACE = 2
_EXTENDED_VERSION = 1


class ProfileLevel(IntEnum):
    """QnnProfile_Level_t."""

    BASIC = 1
    DETAILED = 2


@contextmanager
def open_profile(session: Session, level: ProfileLevel, *, optrace: bool) -> Iterator[c_void_p]:
    """Open a profile handle. With `optrace`, finalising writes the schematic into the working directory."""
    core = session.libraries.core
    profile = c_void_p()
    core.call("profileCreate", session.backend, int(level), byref(profile))
    try:
        if optrace:
            switch = null_terminated([Config(option=_OPTION_ENABLE_OPTRACE, value=1)])
            core.call("profileSetConfig", profile, switch)
        yield profile
    finally:
        core.status("profileFree", profile)


def read_events(session: Session, profile: c_void_p) -> tuple[Event, ...]:
    """Return the events that the last call under `profile` recorded, with their sub-events and blobs."""
    core = session.libraries.core
    return tuple(_event(core, handle) for handle in _handles(core, "profileGetEvents", profile))


def _handles(core: Api, function: str, of: c_void_p | int) -> list[int]:
    handles, count = POINTER(c_uint64)(), c_uint32()
    if core.status(function, of, byref(handles), byref(count)):
        return []
    return handles[: count.value]


def _event(core: Api, handle: int) -> Event:
    children = tuple(_event(core, child) for child in _handles(core, "profileGetSubEvents", handle))
    extended = ExtendedEventData(version=_EXTENDED_VERSION)
    if (
        core.status("profileGetExtendedEventData", handle, byref(extended)) == 0
        and extended.unit == Unit.OBJECT
    ):
        blob = ctypes.string_at(extended.object.data, extended.object.len)
        return Event(_text(extended.identifier), extended.type, 0, Unit.OBJECT, children, blob)
    data = EventData()
    core.call("profileGetEventData", handle, byref(data))
    return Event(_text(data.identifier), data.type, data.value, data.unit, children)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")
