"""What ran when, from the tools' own record of their calls: the same clock for every contender."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.failure import BenchFailed
from bench.studies.makespan.rack import Rack
from fakes.sdk import Call, Tool, most_at_once

_HOST = frozenset({Tool.PREPARE, Tool.VIEWER})


class TimelineInvalid(BenchFailed):
    """A contender broke the rack's limits or did not call every tool once per cell. The message says which."""


@dataclass(frozen=True)
class Timeline:
    """Seconds from the first tool's start to the last one's end, and how busy the rack was in that time."""

    makespan: float
    host_idle: float
    """Share of the slots' time over the makespan in which no tool ran in them."""
    devices_idle: float
    """The same for the devices and the runs on them."""
    first_run: float
    """Seconds until the first run on a device began."""
    after_last_run: float
    """Seconds from the end of the last run on a device to the last tool's end."""
    tools_own: float
    """Mean seconds that a call took beyond its order: the fake tool's imports and work, not the interpreter's start."""


def timeline(calls: Sequence[Call], rack: Rack) -> Timeline:
    """Return the timeline of a contender's calls. Raises TimelineInvalid."""
    host, runs = ([call for call in calls if (call.tool in _HOST) is on_host] for on_host in (True, False))
    _require_all(calls, len(rack.cells))
    devices = rack.devices * len(rack.socs)
    _require_within("host slots", host, rack.slots)
    _require_within("devices", runs, devices)
    begin, end = min(call.start for call in calls), max(map(_end, calls))
    ordered = sum(map(sum, rack.cells.values()))
    makespan = end - begin
    return Timeline(
        makespan=makespan,
        host_idle=1 - _busy(host) / (makespan * rack.slots),
        devices_idle=1 - _busy(runs) / (makespan * devices),
        first_run=min(call.start for call in runs) - begin,
        after_last_run=end - max(map(_end, runs)),
        tools_own=(_busy(calls) - ordered) / len(calls),
    )


def in_use(calls: Iterable[Call], tools: Iterable[Tool], parts: int) -> list[float]:
    """Return the mean number of these tools running at once in each of `parts` equal parts of the makespan."""
    every, wanted = list(calls), set(tools)
    begin, end = min(call.start for call in every), max(map(_end, every))
    edges = [begin + (end - begin) * number / parts for number in range(parts + 1)]
    spans = [(call.start, _end(call)) for call in every if call.tool in wanted]
    return [
        sum(max(0.0, min(b, until) - max(a, since)) for a, b in spans) / (until - since)
        for since, until in pairwise(edges)
    ]


def _busy(calls: Iterable[Call]) -> float:
    return sum(_end(call) - call.start for call in calls)


def _end(call: Call) -> float:
    return call.start if call.end is None else call.end


def _require_all(calls: Sequence[Call], cells: int) -> None:
    for tool in (Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER):
        good = sum(call.tool is tool and call.exit_code == 0 for call in calls)
        if good != cells or good != sum(call.tool is tool for call in calls):
            raise TimelineInvalid(f"{tool} ended well {good} times for {cells} cells")


def _require_within(what: str, calls: Sequence[Call], limit: int) -> None:
    if (most := most_at_once(calls)) > limit:
        raise TimelineInvalid(f"{most} tools ran at once in {limit} {what}")
