"""Chrometraces of several inferences in one file, of any size: what Perfetto then shows one below the other.

Every process keeps its name behind the label of its side, and processes of one name stand together: the overviews first,
then each op of the network with the same op of the other side. `ts` and `dur` stay HTP cycles, each side's from its first.
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

_NAME = "process_name"
_SORT = "process_sort_index"
_HEADER = {"artifact_type": "OP_TRACE", "statement": "Merged by qhas; ts and dur are HTP cycles."}
_LEVEL = 5


class Side(NamedTuple):
    """A trace, and what its processes are called by."""

    label: str
    path: Path


def merge_traces(sides: Sequence[Side], target: Path) -> None:
    """Write the traces into one file, gzip where its name ends in .gz, which appears when it is whole.

    Raises TraceInvalid for one that is damaged, and OSError.
    """
    with arriving(target) as partial, _writable(partial, packed=target.suffix == ".gz") as sink:
        _write(sides, sink)


def _writable(path: Path, *, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "wb", _LEVEL)) if packed else path.open("wb")


def _write(sides: Sequence[Side], sink: IO[bytes]) -> None:
    header = _HEADER | {"traces": [one_line(side.label) for side in sides]}
    sink.write(b'{"header": ' + orjson.dumps(header) + b',\n"traceEvents": [')
    between = b"\n"

    def put(events: Iterator[Event]) -> None:
        nonlocal between
        if lines := [orjson.dumps(event) for event in events]:
            sink.write(between + b",\n".join(lines))
            between = b",\n"

    processes = _Processes(len(sides))
    for number, side in enumerate(sides):
        read_trace(side.path, _putting(put, processes, number))
    put(processes.named([one_line(side.label) for side in sides]))
    sink.write(b"\n]}\n")


def _putting(
    put: Callable[[Iterator[Event]], None], processes: _Processes, side: int
) -> Callable[[list[Event], list[Event]], None]:
    def also(events: list[Event], _: list[Event]) -> None:
        put(moved for event in events if (moved := processes.moved(event, side)) is not None)

    return also


class _Processes:
    """The processes of all sides by new numbers, with their names as far as these are told."""

    def __init__(self, sides: int) -> None:
        self._sides = sides
        self._numbers: dict[tuple[int, Any], int] = {}
        self._names: dict[tuple[int, Any], str] = {}
        self._next = count(1)

    def moved(self, event: Event, side: int) -> Event | None:
        """The event in its new process; None for a name or an order of a process, which is told in the end."""
        own = side, event.get("pid", 0)
        if own not in self._numbers:
            self._numbers[own] = next(self._next)
        if event["ph"] == "M" and event.get("name") in (_NAME, _SORT):
            if event["name"] == _NAME and isinstance(args := event.get("args"), dict):
                self._names[own] = one_line(str(args.get("name", "")))
            return None
        moved = event | {"pid": self._numbers[own]}
        return moved | {"id": self._arrow(event["id"], side)} if "id" in event else moved

    def named(self, labels: Sequence[str]) -> Iterator[Event]:
        """Their names, and the order in which those of one name stand together."""
        names = {own: self._names.get(own, f"process {own[1]}") for own in self._numbers}
        ranks = {name: rank for rank, name in enumerate(dict.fromkeys(names.values()))}
        for own, number in self._numbers.items():
            side, name = own[0], names[own]
            yield _metadata(number, _NAME, {"name": f"{labels[side]}: {name}"})
            yield _metadata(number, _SORT, {"sort_index": ranks[name] * self._sides + side})

    def _arrow(self, number: Any, side: int) -> Any:
        """Arrows of two sides are not one."""
        return number * self._sides + side if isinstance(number, int) else f"{side}-{number}"


def _metadata(pid: int, name: str, args: dict[str, Any]) -> Event:
    return {"ph": "M", "cat": "__metadata", "pid": pid, "name": name, "args": args}
