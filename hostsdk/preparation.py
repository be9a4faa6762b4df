"""One network prepared for one SoC: cache record, schematic, and the simulator's timeline bound to both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hostsdk import generations, trace_object
from hostsdk.child import run_job
from hostsdk.compile_options import TRACE_SETTING, CompileOptions, trace_of
from hostsdk.dlc.cache_name import name_cache_record
from hostsdk.dlc.dlc import Dlc, timeline_record
from hostsdk.dlc.timeline_record import Timeline, label
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.events import Event
from hostsdk.layout import Sdk
from hostsdk.socs import Soc

ESTIMATE_UNSUPPORTED = "HOSTSDK_ESTIMATE_UNSUPPORTED_SOCS"
"""Environment variable: estimates of SoCs for which Qualcomm does not support them. 1 makes all, 0 none; if unset,
those are made that were checked against a device."""
TOP_VOLTAGE_CORNER = 11
"""The simulator accepts 1 to 11 and clamps to what the SoC has; SoCs with supported estimates ignore it."""
_TRACE_FILE = "estimate.json"


@dataclass(frozen=True)
class Outcome:
    """The result of preparing with profiling. `statement` says what the timeline is, or why there is none."""

    schematics: tuple[Path, ...]
    has_timeline: bool
    statement: str


@dataclass(frozen=True)
class Preparation:
    """A SoC and options, to be applied to DLCs in `scratch`, a directory of the caller's."""

    sdk: Sdk
    soc: Soc
    options: CompileOptions
    scratch: Path

    def compile(self, dlc: Path) -> None:
        """Add the cache record to `dlc`, in place. Raises `ToolError`."""
        self._run(dlc, self.options, "compile", profile=False)

    def profile(self, dlc: Path, *, estimate_unsupported: bool | None) -> Outcome:
        """Add the cache record and, if there are any, the graphs' timelines to `dlc`, in place. Raises `ToolError`.

        A SoC without supported estimates is compiled twice if `estimate_unsupported` is true, or is None and the SoC
        was checked against a device: once for the simulator's file, and once without its settings, which would change
        the binary, for the record that ships.
        """
        asked = self.soc.checked is not None if estimate_unsupported is None else estimate_unsupported
        wanted = not self.soc.estimate_supported and self.soc.has_cost_model and asked
        traces = self._unsupported_traces(dlc, required=estimate_unsupported is True) if wanted else {}
        result = self._run(dlc, self.options, "profile", profile=True)
        container = Dlc(dlc)
        record = container.cache_record(self.soc.name)
        if record is None:
            raise _failed("the library added no cache record")
        schematics, statement = self._schematics(result["graphs"]), ""
        for index, (graph, schematic) in enumerate(zip(result["graphs"], schematics, strict=True)):
            digest = hashlib.sha256(schematic.read_bytes()).hexdigest()
            options = self._recorded_options(unsupported=wanted)
            provenance = label(self.soc, graph["name"], digest, options, result["build_id"])
            events = self._labelled(graph, traces.get(graph["name"]), provenance)
            if events is None:
                return Outcome(schematics, False, self._no_timeline())
            timeline = Timeline(
                graph=graph["name"],
                start_us=graph["start_us"],
                stop_us=graph["stop_us"],
                events=events,
                cache_sha256=container.digest(record),
                schematic_sha256=digest,
            )
            container.append(timeline_record(self.soc.name, index), timeline.encode())
            statement = provenance["statement"]
        return Outcome(schematics, True, statement)

    def _run(self, dlc: Path, options: CompileOptions, job: str, *, profile: bool) -> dict[str, Any]:
        """Compile `dlc` in a fresh directory; except for an estimate, replace it by the DLC with the record."""
        directory = self._directory(job)
        directory.mkdir()
        output = directory / "prepared.dlc"
        request = {
            **self.sdk.job_libraries(),
            "dlc": str(dlc),
            "soc_model": self.soc.soc_model,
            "options": options.to_json(),
            "profile": profile,
            "output": str(output),
        }
        result = run_job("prepare", request, directory)
        if not options.finalize_settings:
            name_cache_record(output, self.soc.name)
            output.replace(dlc)
        return result

    def _directory(self, job: str) -> Path:
        return self.scratch / f"{job}-{self.soc.name}"

    def _unsupported_traces(self, dlc: Path, *, required: bool) -> dict[str, bytes]:
        """Return the simulator's traces by graph, from a compilation whose binary is discarded.

        They are empty if an older library makes none and they are not `required`.
        """
        try:
            return self._simulated(dlc)
        except ToolError:
            if required:
                raise
            return {}

    def _simulated(self, dlc: Path) -> dict[str, bytes]:
        options = replace(self.options, finalize_settings=simulation_settings(self.soc, _TRACE_FILE))
        result = self._run(dlc, options, "estimate", profile=False)
        traces = {}
        for name in (graph["name"] for graph in result["graphs"]):
            trace = self._directory("estimate") / trace_of(name)
            if not trace.is_file():
                raise _failed(f"the simulator wrote no estimate for {self.soc.name}")
            traces[name] = trace.read_bytes()
        return traces

    def _schematics(self, graphs: list[dict[str, Any]]) -> tuple[Path, ...]:
        return tuple(self._schematic(graph["name"]) for graph in graphs)

    def _schematic(self, graph: str) -> Path:
        path = self._directory("profile") / f"{graph}_schematic.bin"
        if not path.is_file():
            raise _failed(f"the compiler wrote no schematic of {graph}")
        return path

    def _labelled(
        self, graph: dict[str, Any], trace: bytes | None, label: dict[str, Any]
    ) -> tuple[Event, ...] | None:
        """Return the finalise events with the labelled trace; None when there is no trace."""
        events = [Event.from_json(row) for row in graph["events"]]
        others = [event for event in events if event.type != trace_object.EVENT_TYPE]
        try:
            for event in events:
                if event.type == trace_object.EVENT_TYPE and event.payload is not None:
                    trace = trace_object.unpack(event.payload)[0]
            if trace is None:
                return None
            labelled = trace_object.with_label(trace, label)
        except ValueError as error:
            raise _failed(f"the simulator's trace cannot be read: {error}") from error
        return (*others, trace_object.event(labelled, graph["name"]))

    def _recorded_options(self, unsupported: bool) -> dict[str, Any]:
        form = self.options.to_json()
        del form["finalize_settings"]
        return form | ({"sim_core_voltage_corner": _corner(self.soc)} if unsupported else {})

    def _no_timeline(self) -> str:
        title = self.soc.name.upper()
        generation = generations.of_build(self.sdk.build_id)
        if generation and self.soc.name in generation.not_estimated:
            return (
                f"The simulator of SDK {generation.sdk} has no cost model for {title}: a schematic is written, "
                "but no timeline."
            )
        if generation is None:
            return f"The simulator of this unknown SDK gave no timeline for {title}: only a schematic is written."
        if not self.soc.has_cost_model:
            return f"The simulator has no cost model for {title}: a schematic is written, but no timeline."
        if not self.soc.estimate_supported:
            return f"Qualcomm does not support performance estimates for {title}: a schematic is written, but no timeline; {ESTIMATE_UNSUPPORTED}=1 requests an unsupported one."
        raise _failed(f"the simulator gave no timeline for {title}")


def simulation_settings(soc: Soc, trace: str) -> dict[str, int | float | str]:
    """Return the finaliser's settings that make the simulator write its trace to a file, whatever the SoC."""
    settings: dict[str, int | float | str] = {"hextimate": 1, TRACE_SETTING: trace}
    return settings if soc.estimate_supported else settings | {"sim_core_voltage_corner": _corner(soc)}


def _corner(soc: Soc) -> int:
    return soc.checked.corner if soc.checked else TOP_VOLTAGE_CORNER


def _failed(reason: str) -> ToolError:
    return ToolError(ErrorCode.UNKNOWN, f"{reason}.", "HTP Offline Prepare")
