"""Profiling events as plain values: the profile handle yields them, and logs are written from and read into them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class Unit(IntEnum):
    """Units of an event's value (QnnProfile.h)."""

    MICROSECONDS = 1
    BYTES = 2
    CYCLES = 3
    COUNT = 4
    OBJECT = 5
    """The value is a blob, not a number."""
    NONE_IN_LOG = 6
    """How logs number a value without a unit; the profile handle has 0."""


@dataclass(frozen=True)
class Event:
    """One event and its parts. `payload` is the blob of an OBJECT event, else None.

    `value` is an unsigned 64-bit number in `unit`: a `Unit` where known.
    """

    identifier: str
    type: int
    value: int
    unit: int
    sub_events: tuple[Event, ...] = ()
    payload: bytes | None = field(default=None, repr=False)

    def walk(self, depth: int = 0) -> Iterator[tuple[Event, int]]:
        """Yield this event and everything below it, in order, each with its depth."""
        yield self, depth
        for event in self.sub_events:
            yield from event.walk(depth + 1)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON form that `from_json` reads back; the blob is base64."""
        row: dict[str, Any] = {
            "identifier": self.identifier,
            "type": self.type,
            "value": self.value,
            "unit": self.unit,
            "sub_events": [event.to_json() for event in self.sub_events],
        }
        if self.payload is not None:
            row["payload"] = base64.b64encode(self.payload).decode("ascii")
        return row

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Event:
        """Return the event that `to_json` encoded. Raises KeyError, TypeError or ValueError when `row` is not one."""
        payload = row.get("payload")
        return cls(
            identifier=str(row["identifier"]),
            type=int(row["type"]),
            value=int(row["value"]),
            unit=int(row["unit"]),
            sub_events=tuple(cls.from_json(child) for child in row["sub_events"]),
            payload=None if payload is None else base64.b64decode(payload, validate=True),
        )
