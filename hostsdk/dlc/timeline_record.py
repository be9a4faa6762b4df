"""The simulator's timeline of one prepared graph, kept inside the DLC next to the cache record it belongs to.

Preparing creates it, and net-run puts it into the profiling log. Digests bind it to that cache record and to the
schematic file of the same prepare, so that a stale one is never used.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from hostsdk.bounded import inflate
from hostsdk.dlc.dlc import Dlc, timeline_record
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.events import Event
from hostsdk.socs import Soc

_FORMAT = 1


@dataclass(frozen=True)
class Timeline:
    """The events of one graphFinalize, at wall-clock microseconds since the epoch, with the digests they belong to."""

    graph: str
    start_us: int
    stop_us: int
    events: tuple[Event, ...]
    cache_sha256: str
    schematic_sha256: str

    def encode(self) -> bytes:
        """Return the record's content: deflated JSON."""
        form = {
            "format": _FORMAT,
            "graph": self.graph,
            "start_us": self.start_us,
            "stop_us": self.stop_us,
            "events": [event.to_json() for event in self.events],
            "cache_sha256": self.cache_sha256,
            "schematic_sha256": self.schematic_sha256,
        }
        return zlib.compress(json.dumps(form).encode())

    @classmethod
    def decode(cls, content: bytes) -> Timeline:
        """Return the timeline that `encode` wrote. Raises `ToolError` (INVALID_RECORD) for anything else."""
        try:
            form = json.loads(inflate(content))
            if form["format"] != _FORMAT:
                raise ValueError(f"format {form['format']}")
            return cls(
                graph=form["graph"],
                start_us=form["start_us"],
                stop_us=form["stop_us"],
                events=tuple(Event.from_json(row) for row in form["events"]),
                cache_sha256=form["cache_sha256"],
                schematic_sha256=form["schematic_sha256"],
            )
        except (zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ToolError(
                ErrorCode.INVALID_RECORD,
                f"the timeline record cannot be read ({error}): prepare again.",
                "DLC",
            ) from error


def read_timeline(dlc: Dlc, soc: str) -> Timeline | None:
    """Return the timeline of the first graph for `soc`, or None if `read_timelines` finds none."""
    return next(iter(read_timelines(dlc, soc)), None)


def read_timelines(dlc: Dlc, soc: str) -> list[Timeline]:
    """Return the timelines for `soc`, one per graph in the record's order.

    There are none if the DLC was prepared without them, or has a different cache record from the one they belong to.
    """
    cache = dlc.cache_record(soc)
    if cache is None:
        return []
    held = set(dlc.names())
    names = takewhile(held.__contains__, (timeline_record(soc, index) for index in count()))
    timelines = [Timeline.decode(dlc.read(name)) for name in names]
    digest = dlc.digest(cache) if timelines else ""
    return [timeline for timeline in timelines if timeline.cache_sha256 == digest]


def label(
    soc: Soc, graph: str, schematic_sha256: str, prepare: dict[str, Any], library: str
) -> dict[str, Any]:
    """Return what the trace says about itself under its key "hostsdk": an estimate, for which SoC, and how made."""
    statement = (
        f"Estimated by Qualcomm's HTP performance simulator for {soc.name.upper()}; not measured on a device."
    )
    if not soc.estimate_supported:
        checked = f"; they were {soc.checked.sentence}" if soc.checked else ""
        statement += f" Qualcomm does not support estimates for {soc.name.upper()}{checked}."
    return {
        "origin": "simulator",
        "soc": soc.name,
        "estimate": "supported" if soc.estimate_supported else "unsupported",
        "statement": statement,
        "schematic_sha256": schematic_sha256,
        "graph": graph,
        "prepare": prepare,
        "library": library,
    }
