"""A timeline joined with its schematic, over the whole inference or a part of it: the input of every writer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hostsdk.errors import Refusal
from hostsdk.viewer.dataflow import executed_inputs
from hostsdk.viewer.dominant import DominantPath, dominant_path
from hostsdk.viewer.schematic import HtpOp, QnnNode, Schematic, SchematicError, Tensor
from hostsdk.viewer.timeline import Event, Timeline, VtcmSample

_FOREIGN = "the schematic was written by a different prepare than the graph that ran ({why}); give the one that was written together with the container."
_NO_TENSOR = Tensor(dtype="", rank=0, zero_offset=0, step_size=0.0, dims=())


class ZoomError(Refusal):
    """--zoom_start or --zoom_end names no node that ran, or they are the wrong way round."""


@dataclass(frozen=True, slots=True)
class Zoom:
    """Names of the first and the last node to show; an absent one leaves that side open."""

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """One inference, or the part of it from cycle `start` to cycle `end`.

    `events` are those entirely inside it, `work` those of them that are not bookkeeping, `path` the dominant path
    through `work`. `inputs` names, for every op in `work`, the ops in `work` that feed it. `framework_names` are by QNN
    node name and empty without a framework trace.
    """

    timeline: Timeline
    schematic: Schematic
    start: int
    end: int
    events: tuple[Event, ...]
    work: tuple[Event, ...]
    path: DominantPath
    inputs: Mapping[int, tuple[int, ...]]
    framework_names: Mapping[str, str]

    @property
    def cycles(self) -> int:
        """Length in cycles."""
        return self.end - self.start

    @property
    def whole(self) -> bool:
        """Whether it is the whole inference."""
        return self.start == 0 and self.end >= self.timeline.cycles

    @property
    def exact_us(self) -> float:
        """Length in microseconds at the core clock the simulator assumed."""
        return self.cycles / self.timeline.core_mhz

    @property
    def time_us(self) -> int:
        """Length in whole microseconds, for the whole inference the simulator's own figure."""
        return self.timeline.time_us if self.whole else int(self.exact_us)

    @property
    def inferences_per_second(self) -> float:
        """Computed from `time_us` as the vendor does, or from the exact time if that rounds to zero."""
        return 1e6 / (self.time_us or self.exact_us)

    @property
    def vtcm(self) -> list[VtcmSample]:
        """The VTCM samples of the stretch."""
        return [sample for sample in self.timeline.vtcm if self.start <= sample.cycle <= self.end]

    @property
    def peak_vtcm(self) -> int:
        """The most bytes of VTCM in use at once."""
        return max((sample.bytes for sample in self.vtcm), default=0)

    def node(self, event: Event) -> QnnNode:
        """Return the QNN node that an event was made from."""
        return self.schematic.node(event.qnn_id)

    def op(self, event: Event) -> HtpOp | None:
        """Return the compiled op of an event, or None for bookkeeping and for ops that sequencing added."""
        return self.schematic.ops.get(event.op_id)

    def tensor(self, event: Event) -> Tensor:
        """Return the first output of the event's op, or a tensor of rank 0 without a type if there is none."""
        op = self.op(event)
        return op.outputs[0] if op and op.outputs else _NO_TENSOR


def pick_timeline(timelines: Sequence[Timeline], schematic: Schematic) -> Timeline:
    """Return the timeline the schematic belongs to; raises `SchematicError` when there is none.

    A log that states the schematic's digest is trusted, whatever else is in it; in any other, every op must be known.
    """
    timeline = next((candidate for candidate in timelines if candidate.graph == schematic.graph), None)
    if timeline is None:
        ran = ", ".join(repr(candidate.graph) for candidate in timelines)
        raise SchematicError(_FOREIGN.format(why=f"it describes {schematic.graph!r}, but the log has {ran}"))
    expected = timeline.provenance.get("schematic_sha256")
    if expected and expected != schematic.sha256:
        raise SchematicError(_FOREIGN.format(why="its digest is not the one in the log"))
    unknown = next((event for event in timeline.events if not schematic.knows(event.qnn_id)), None)
    if unknown is not None and not expected:
        raise SchematicError(_FOREIGN.format(why=f"{unknown.htp_op} with id {unknown.op_id:#x} is not in it"))
    return timeline


def analyse(
    timeline: Timeline, schematic: Schematic, zoom: Zoom, framework_names: Mapping[str, str] | None = None
) -> Analysis:
    """Join the two over the stretch that `zoom` selects; raises `ZoomError` when it does not exist."""
    names = framework_names or {}
    start, end = _stretch(timeline, schematic, zoom, names)
    events = tuple(event for event in timeline.events if start <= event.start and event.end <= end)
    work = tuple(event for event in events if event.unit.works)
    return Analysis(
        timeline=timeline,
        schematic=schematic,
        start=start,
        end=end,
        events=events,
        work=work,
        path=dominant_path(work, start, end),
        inputs=executed_inputs(schematic.ops, frozenset(event.op_id for event in work)),
        framework_names=names,
    )


def _stretch(
    timeline: Timeline, schematic: Schematic, zoom: Zoom, framework_names: Mapping[str, str]
) -> tuple[int, int]:
    start, end = 0, max(timeline.cycles, max(event.end for event in timeline.events))
    if zoom.start is not None:
        start = min(event.start for event in _of_node(timeline, schematic, zoom.start, framework_names))
    if zoom.end is not None:
        end = max(event.end for event in _of_node(timeline, schematic, zoom.end, framework_names))
    if start >= end:
        raise ZoomError(f"{zoom.end!r} ends before {zoom.start!r} begins; swap --zoom_start and --zoom_end.")
    return start, end


def _of_node(
    timeline: Timeline, schematic: Schematic, name: str, framework_names: Mapping[str, str]
) -> list[Event]:
    wanted = {name} | {node for node, framework in framework_names.items() if framework == name}
    events = [event for event in timeline.events if schematic.node(event.qnn_id).name in wanted]
    if events:
        return events
    ran = {schematic.node(event.qnn_id).name for event in timeline.events}
    near = difflib.get_close_matches(name, sorted(ran | set(framework_names.values())), 3)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"nodes that ran include {', '.join(sorted(ran)[:3])}."
    )
    raise ZoomError(f"No node {name!r} ran in graph {schematic.graph!r}; {hint}")
