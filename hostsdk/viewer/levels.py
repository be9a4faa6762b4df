"""The memory counters of a chrometrace, as the vendor samples them: levels, not the bytes moved at a moment.

A level is the sum over all ops that are running, each with all of its bytes from its first cycle to its last. There is
a sample wherever an op that moves something begins or ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from hostsdk.viewer.timeline import NO_TRAFFIC, Event, Traffic, total


def levels(events: Iterable[Event]) -> Iterator[tuple[int, Traffic]]:
    """Yield every cycle at which the levels may change, with those from it on, in time order; the last are zero."""
    starting: defaultdict[int, list[Traffic]] = defaultdict(list)
    ending: defaultdict[int, list[Traffic]] = defaultdict(list)
    for event in events:
        if event.cycles and any(event.traffic):
            starting[event.start].append(event.traffic)
            ending[event.end].append(event.traffic)
    level = NO_TRAFFIC
    for cycle in sorted({*starting, *ending}):
        begun, ended = total([NO_TRAFFIC, *starting[cycle]]), total([NO_TRAFFIC, *ending[cycle]])
        level = Traffic(*(now + up - down for now, up, down in zip(level, begun, ended, strict=True)))
        yield cycle, level
