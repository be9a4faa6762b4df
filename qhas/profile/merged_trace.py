"""Chrometraces of several inferences, of any size, merged into one file so that Perfetto shows one below the other.

Every process keeps its name, prefixed with the label of its side, and processes of the same name are grouped: the
overviews first, then each op of the network with the same op of the other side. `ts` and `dur` count from each side's
first cycle: in microseconds if the clocks of all sides are known, so that sides with different clocks share one axis,
otherwise in HTP cycles.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import orjson

from qhas.machine.packing import arriving
from qhas.outside_text import one_line
from qhas.profile.event_stream import Event
from qhas.profile.trace import read_trace
from qhas.units import megahertz

_NAME = "process_name"
_SORT = "process_sort_index"
_LARGEST = 1 << 63
"""The limit of integers in JSON as it is written here."""
_TIMES = ("ts", "dur")
_LEVEL = 5


class Side(NamedTuple):
    """A trace, the label of its processes, and the clock at which its cycles were counted, if known."""

    label: str
    path: Path
    clock_mhz: float | None = None


def time_unit(sides: Sequence[Side]) -> str:
    """Return the unit of `ts` and `dur` in the merged trace, as the end of a sentence."""
    if not _in_microseconds(sides):
        return "HTP cycles"
    clocks = dict.fromkeys(megahertz(side.clock_mhz) for side in sides if side.clock_mhz)
    return f"microseconds at {' and '.join(clocks)}"


def merge_traces(sides: Sequence[Side], target: Path) -> None:
    """Write the traces into one file atomically, gzipped if its name ends in .gz.

    Raises TraceInvalid for a damaged trace, and OSError.
    """
    with arriving(target) as partial, _writable(partial, packed=target.suffix == ".gz") as sink:
        _write(sides, sink)


def _writable(path: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "wb", _LEVEL)) if packed else path.open("wb")


def _write(sides: Sequence[Side], sink: IO[bytes]) -> None:
    header = {
        "artifact_type": "OP_TRACE",
        "statement": f"Merged by qhas; ts and dur are {time_unit(sides)}.",
        "traces": [one_line(side.label) for side in sides],
    }
    sink.write(b'{"header": ' + orjson.dumps(header) + b',\n"traceEvents": [')
    between = b"\n"

    def put(events: Iterator[Event]) -> None:
        nonlocal between
        if lines := [orjson.dumps(event) for event in events]:
            sink.write(between + b",\n".join(lines))
            between = b",\n"

    processes = _Processes(len(sides))
    for number, side in enumerate(sides):
        clock = side.clock_mhz if _in_microseconds(sides) else None
        read_trace(side.path, _putting(put, processes, number, clock))
    put(processes.named([one_line(side.label) for side in sides]))
    sink.write(b"\n]}\n")


def _in_microseconds(sides: Sequence[Side]) -> bool:
    return all(side.clock_mhz for side in sides)


def _putting(
    put: Callable[[Iterator[Event]], None], processes: _Processes, side: int, clock_mhz: float | None
) -> Callable[[list[Event], list[Event]], None]:
    def also(events: list[Event], _: list[Event]) -> None:
        moved = (processes.moved(event, side) for event in events)
        put(_timed(event, clock_mhz) for event in moved if event is not None)

    return also


def _timed(event: Event, clock_mhz: float | None) -> Event:
    """Return the event with its times in microseconds, to the nanosecond; arguments stay in cycles."""
    if not clock_mhz:
        return event
    times = {key: event[key] for key in _TIMES if isinstance(event.get(key), int | float)}
    return event | {key: round(cycles / clock_mhz, 3) for key, cycles in times.items()}


class _Processes:
    """The processes of all sides under new numbers, with their names as far as the traces state them."""

    def __init__(self, sides: int) -> None:
        self._sides = sides
        self._numbers: dict[tuple[int, Any], int] = {}
        self._names: dict[tuple[int, Any], str] = {}
        self._next = count(1)

    def moved(self, event: Event, side: int) -> Event | None:
        """Return the event in its new process; None for a process name or sort index, which `named` yields later."""
        pid = event.get("pid", 0)
        own = side, pid if isinstance(pid, int | float | str) else repr(pid)
        if own not in self._numbers:
            self._numbers[own] = next(self._next)
        if event["ph"] == "M" and event.get("name") in (_NAME, _SORT):
            if event["name"] == _NAME and isinstance(args := event.get("args"), dict):
                self._names[own] = one_line(str(args.get("name", "")))
            return None
        moved = event | {"pid": self._numbers[own]}
        return moved | {"id": self._arrow(event["id"], side)} if "id" in event else moved

    def named(self, labels: Sequence[str]) -> Iterator[Event]:
        """Yield the names of the processes, and the sort order that groups those of the same name."""
        names = {own: self._names.get(own) or one_line(f"process {own[1]}") for own in self._numbers}
        ranks = {name: rank for rank, name in enumerate(dict.fromkeys(names.values()))}
        for own, number in self._numbers.items():
            side, name = own[0], names[own]
            yield _metadata(number, _NAME, {"name": f"{labels[side]}: {name}"})
            yield _metadata(number, _SORT, {"sort_index": ranks[name] * self._sides + side})

    def _arrow(self, number: Any, side: int) -> Any:
        """Return an id for an arrow that no other side uses."""
        doubled = number * self._sides + side if isinstance(number, int) else None
        return doubled if doubled is not None and abs(doubled) < _LARGEST else f"{side}-{number}"


def _metadata(pid: int, name: str, args: dict[str, Any]) -> Event:
    return {"ph": "M", "cat": "__metadata", "pid": pid, "name": name, "args": args}
