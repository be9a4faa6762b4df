"""The simulator's timeline: which op ran when on which unit, in cycles, as the log's trace object holds it.

The object is an event of the log whose identifier names the simulator. It wraps JSON in the shape of a Chrome trace
whose `ts` and `dur` are cycles of the core clock.
"""

from __future__ import annotations

import enum
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from hostsdk.errors import Refusal
from hostsdk.trace_object import unpack
from hostsdk.viewer.log import Log, Message

_SIMULATOR = "Hextimate"

# Event types of the simulator's own figures, in the message that carries the timeline.
_SIMULATED_CYCLES = 2006
_SIMULATED_TIME_US = 2019
_OPS_WITHOUT_COST = 2017
_OWN_FIGURES = {
    "lower_cycles": 2007,
    "upper_cycles": 2008,
    "intermediate_fill_bytes": 2012,
    "intermediate_spill_bytes": 2013,
}

_NO_TIMELINE = (
    "The log holds no simulator timeline: the container was prepared without --profiling_level qhas, or the simulator "
    "has no supported estimate for this SoC; prepare it with --profiling_level qhas, for a SoC that has one, and run it again."
)


class TimelineError(Refusal):
    """There is no timeline, or it cannot be interpreted."""


class Unit(enum.Enum):
    """What an event occupies, in the order in which resources are listed."""

    HMX = "HMX"
    """The matrix engine, on the foreground thread or on threads of its own, depending on the SoC."""
    HVX = "HVX"
    """A vector thread."""
    HLX = "HLX"
    """A light vector thread, on SoCs that have them; ranks with HVX."""
    SCALAR = "SCALAR"
    """An op that needs none of the engines; none was seen in real timelines."""
    DMA = "DMA"
    """The DMA engine, or a DMA that a vector thread started."""
    SEQUENCER = "FG"
    """The foreground thread starting, handing over and waiting for the others: bookkeeping, never work."""

    @property
    def works(self) -> bool:
        """Whether events on this unit count in work figures."""
        return self is not Unit.SEQUENCER


class Flag(enum.StrEnum):
    """The vendor's flags of an op event that a simulated timeline can provide."""

    USES_HMX = "uses_hmx"
    """Matrix work."""
    USES_HVX = "uses_hvx"
    """Vector work."""
    DMA = "dma"
    """A transfer."""
    DMA_SET = "dma_set"
    """The foreground thread queues a transfer."""
    DMA_WAIT = "dma_wait"
    """The foreground thread waits for a transfer."""
    SYNC = "sync"
    """The foreground thread hands work to another thread, or takes it back."""


_UNIT_OF_FLAG: Mapping[str, Unit] = {
    "uses_hmx": Unit.HMX,
    "for_hmx": Unit.HMX,
    "for_hvx": Unit.HVX,
    "for_hlx": Unit.HLX,
    "for_dma": Unit.DMA,
    "for_hvx_dma": Unit.DMA,
}
_FLAGS_OF_UNIT: Mapping[Unit, tuple[Flag, ...]] = {
    Unit.HMX: (Flag.USES_HMX,),
    Unit.HVX: (Flag.USES_HVX,),
    Unit.HLX: (Flag.USES_HVX,),
    Unit.SCALAR: (),
    Unit.DMA: (Flag.DMA,),
}
_FLAGS_OF_BOOKKEEPING: Mapping[str, tuple[Flag, ...]] = {
    "start": (Flag.DMA_SET,),
    "sync": (Flag.DMA_WAIT,),
    "spawn": (Flag.SYNC,),
    "validate": (Flag.SYNC,),
}
# "default_dma (q::X)" is the transfer of op q::X itself; "default_dma_start (q::X)" is bookkeeping about it.
_TRANSFER = re.compile(r"default_dma \((.*)\)", re.DOTALL)
_BOOKKEEPING = re.compile(r"default_\w+?_([a-z]+)(?= \(|$)")


class Traffic(NamedTuple):
    """Bytes moved."""

    dram_read: int = 0
    dram_write: int = 0
    vtcm_read: int = 0
    vtcm_write: int = 0


NO_TRAFFIC = Traffic()


def total(traffics: Iterable[Traffic]) -> Traffic:
    """Sum up traffic field by field."""
    sums = [sum(column) for column in zip(*traffics, strict=True)]
    return Traffic(*sums)


FIRST_THREAD = 256
"""The simulator counts threads from 0, devices from 256. Perfetto regards a process's thread 0, and one with the
process's own number, as its main thread, and would mix their slices."""


@dataclass(frozen=True, slots=True)
class Event:
    """One stretch of one HTP op on one thread. `start` counts from the graph's first cycle; traffic is in bytes."""

    op_id: int
    htp_op: str
    unit: Unit
    flags: tuple[Flag, ...]
    tid: int
    start: int
    cycles: int
    traffic: Traffic

    @property
    def end(self) -> int:
        """First cycle after the event."""
        return self.start + self.cycles

    @property
    def qnn_id(self) -> int:
        """OpId of the QNN node the op was made from: the low 32 bits of the HTP op's id."""
        return self.op_id & 0xFFFFFFFF


class VtcmSample(NamedTuple):
    """Bytes of VTCM in use from `cycle` on."""

    cycle: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """One simulated inference of one graph.

    `cycles` is the whole inference, `time_us` the simulator's own conversion (whole microseconds, rounded down);
    `core_mhz` the core clock assumed. `provenance` is what the host SDK recorded when it prepared the graph, empty
    for a timeline that did not come through it. `ops_without_cost` ops are missing from the estimate.
    """

    graph: str
    cycles: int
    time_us: int
    core_mhz: float
    events: tuple[Event, ...]
    vtcm: tuple[VtcmSample, ...]
    threads: Mapping[int, str]
    configuration: Mapping[str, Any]
    provenance: Mapping[str, Any]
    ops_without_cost: int
    own: Mapping[str, int] = field(default_factory=dict)
    """The simulator's own lower and upper estimate, and its spills and fills in bytes, if it reports them."""


def find_timelines(logs: Sequence[Log]) -> list[Timeline]:
    """Return every timeline in the logs, in order; raises `TimelineError` when there is none or one is damaged."""
    timelines = [
        _timeline(message, event.payload)
        for log in logs
        for message in log.messages
        for root in message.events
        for event, _ in root.walk()
        if event.payload is not None and _SIMULATOR in event.identifier
    ]
    if not timelines:
        raise TimelineError(_NO_TIMELINE)
    return timelines


def _timeline(message: Message, payload: bytes) -> Timeline:
    try:
        text, graph = unpack(payload)
    except ValueError as fault:
        raise TimelineError(
            f"The timeline in the log cannot be used: {fault}; run the graph again."
        ) from fault
    try:
        return timeline_of(graph, json.loads(text), message.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise TimelineError(
            f"The timeline of graph {graph!r} is not in the simulator's known format ({type(fault).__name__}: {fault}); use the viewer that came with the tool that wrote the log."
        ) from fault


def timeline_of(graph: str, trace: Mapping[str, Any], simulated: Mapping[int, int]) -> Timeline:
    """Build the timeline from the simulator's trace, with its own figures by event type if there are any.

    Raises ValueError, KeyError, TypeError or AttributeError for a trace of another shape.
    """
    raw = trace["traceEvents"]
    if any(item["pid"] != 0 for item in raw):
        raise ValueError("it covers several cores, which is not supported")
    events = tuple(_share_repeated_traffic([_event(item) for item in raw if item["ph"] == "X"]))
    if not any(event.unit.works for event in events):
        raise ValueError("no op runs in it")
    configuration = dict(trace["Hextimate Configuration"])
    core_mhz = float(configuration["sim_core_freq"])
    if not core_mhz > 0:
        raise ValueError("its core clock is zero")
    cycles = simulated.get(_SIMULATED_CYCLES) or max(event.end for event in events)
    time_us = simulated.get(_SIMULATED_TIME_US)
    return Timeline(
        graph=graph,
        cycles=cycles,
        time_us=int(cycles / core_mhz) if time_us is None else time_us,
        core_mhz=core_mhz,
        events=events,
        vtcm=tuple(
            VtcmSample(int(item["ts"]), int(item["args"]["Bytes"]))
            for item in raw
            if item["ph"] == "C" and item["name"] == "TCM usage"
        ),
        threads={
            FIRST_THREAD + int(item["tid"]): str(item["args"]["name"])
            for item in raw
            if item["ph"] == "M" and item["name"] == "thread_name"
        },
        configuration=configuration,
        provenance=dict(trace.get("hostsdk") or {}),
        ops_without_cost=simulated.get(_OPS_WITHOUT_COST, 0),
        own={name: simulated[number] for name, number in _OWN_FIGURES.items() if number in simulated},
    )


def _event(item: Mapping[str, Any]) -> Event:
    args = item["args"]
    moved = args["bw_info"]
    htp_op, unit, flags = _classify(item["name"], args["flags"])
    start, cycles = int(item["ts"]), int(item["dur"])
    if start < 0 or cycles < 0:
        raise ValueError(f"{htp_op} runs for {cycles} cycles from cycle {start}")
    traffic = NO_TRAFFIC
    if unit.works:  # bookkeeping repeats the bytes of the op it is about
        traffic = Traffic(moved["dram_read"], moved["dram_write"], moved["vtcm_read"], moved["vtcm_write"])
    thread = FIRST_THREAD + int(item["tid"])
    return Event(int(args["id"], 16), htp_op, unit, flags, thread, start, cycles, traffic)


def _classify(name: str, flags: Sequence[str]) -> tuple[str, Unit, tuple[Flag, ...]]:
    unit = next((_UNIT_OF_FLAG[flag] for flag in flags if flag in _UNIT_OF_FLAG), None)
    if unit is None:
        bookkeeping = _BOOKKEEPING.match(name)
        if bookkeeping:
            return name, Unit.SEQUENCER, _FLAGS_OF_BOOKKEEPING.get(bookkeeping[1], (Flag.SYNC,))
        unit = Unit.SCALAR
    transfer = _TRANSFER.fullmatch(name)
    return transfer[1] if transfer else name, unit, _FLAGS_OF_UNIT[unit]


def _share_repeated_traffic(events: list[Event]) -> list[Event]:
    """Count the bytes of an op once, however many threads it ran on.

    The simulator repeats an op's bytes on every event of the op. They are shared equally between its DMA events if it
    has any, else between all of its events. This makes the sums agree with the log's own fill and spill counters and
    with the schematic's bandwidth table.
    """
    runs: dict[int, list[int]] = defaultdict(list)
    for index, event in enumerate(events):
        if event.unit.works:
            runs[event.op_id].append(index)
    for indices in runs.values():
        if len(indices) == 1 or len({events[index].traffic for index in indices}) > 1:
            continue
        carriers = [index for index in indices if events[index].unit is Unit.DMA] or indices
        traffic = events[indices[0]].traffic
        for index in indices:
            events[index] = replace(events[index], traffic=NO_TRAFFIC)
        for place, index in enumerate(carriers):
            share = Traffic(*(_part(amount, len(carriers), place) for amount in traffic))
            events[index] = replace(events[index], traffic=share)
    return events


def _part(amount: int, parts: int, place: int) -> int:
    return amount // parts + (place < amount % parts)
