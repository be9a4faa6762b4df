"""Job: run inferences of the graphs of one cache record on the HTP emulator.

Request: library_dir, layout, dlc, record (name of the cache record, or null to compile one now), soc, soc_model,
options, input_dir, graphs (names; empty for all, in the record's order), lists (one list of inferences per graph,
each inference a list of {name, path}; null to execute nothing), native_inputs and native_outputs (bool: raw files
hold the tensors' own types), outputs (names, empty for all), output_dir, duration_s, profile (null or a
`ProfileLevel` name), log (null or {directory, application, version, backend}), log_level (a `LogLevel`), timeline
(bool: put the DLC's timelines into the logs). Progress: inference (index), paths, before each inference of the first
pass. Result: graphs (names), inferences (how many ran, over all graphs), logs (file names, in the graphs' order).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from ctypes import c_void_p
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from hostsdk.compile_options import CompileOptions
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import read_timelines
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.input_list import InputFile, resolve
from hostsdk.native import context_binary
from hostsdk.native.context_binary import GraphInterface
from hostsdk.native.dlc_graphs import compose
from hostsdk.native.job import Reply
from hostsdk.native.library import asked_for
from hostsdk.native.own_core import own_core
from hostsdk.native.prepare import graph_options
from hostsdk.native.profile_log import Message, Method, log_name
from hostsdk.native.profiling import ProfileLevel
from hostsdk.native.recording import Recording
from hostsdk.native.session import LogLevel, Session, open_session
from hostsdk.result_files import folder_name, result_files


@dataclass(frozen=True)
class _Run:
    """What to run of one graph, already checked."""

    interface: GraphInterface
    inferences: list[list[Path]]
    written: set[str]
    output_dir: Path
    native_inputs: bool
    native_outputs: bool


def execute(request: dict[str, Any], reply: Reply) -> None:
    """Run the job."""
    level = LogLevel(request["log_level"])
    with ExitStack() as scope:
        if request["lists"] is not None:
            scope.enter_context(own_core())
        session = scope.enter_context(
            open_session(asked_for(request), request["soc_model"], reply.log, level)
        )
        record = _record(session, request)
        graphs = _chosen(scope.enter_context(context_binary.describe(session, record)), request)
        runs = _checked(graphs, request)
        recordings = [_recording(scope, session, run, request, reply) for run in runs]
        logs = _open_logs(runs, recordings, request)
        if request["lists"] is None:
            reply.result(graphs=[run.interface.name for run in runs], inferences=0, logs=logs)
            return
        context = recordings[0].call(
            Method.CREATE_FROM_BINARY,
            lambda profile: scope.enter_context(context_binary.load(session, record, profile)),
        )
        counts = [
            _run(session, context, run, recording, request["duration_s"], reply)
            for run, recording in zip(runs, recordings, strict=True)
        ]
    reply.result(graphs=[run.interface.name for run in runs], inferences=sum(counts), logs=logs)


def _record(session: Session, request: dict[str, Any]) -> bytes:
    """Return the cache record to run: one from the DLC, or one compiled now."""
    path = Path(request["dlc"])
    if request["record"]:
        return Dlc(path).read(request["record"])
    options = graph_options(CompileOptions(**request["options"]))
    with compose(session, path, Path.cwd()) as dlc:
        for name in dlc.graph_names:
            dlc.finalize(name, options, None)
        return dlc.binary()


def _chosen(held: tuple[GraphInterface, ...], request: dict[str, Any]) -> list[GraphInterface]:
    """Return the graphs to run. Raises `ToolError` if the record lacks one, or the number of lists differs."""
    by_name = {graph.name: graph for graph in held}
    names: list[str] = request["graphs"] or list(by_name)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            f"--graph_execute: the container has no graph {unknown[0]!r}, only {', '.join(by_name)}.",
            "DLC",
        )
    if request["lists"] is not None and len(names) != len(request["lists"]):
        raise ToolError(
            ErrorCode.INVALID_PARAMETER,
            f"{len(request['lists'])} input list(s) for {len(names)} graph(s) ({', '.join(names)}): give --input_list one per graph, in this order, separated by commas.",
            "Input List",
        )
    return [by_name[name] for name in names]


def _checked(graphs: list[GraphInterface], request: dict[str, Any]) -> list[_Run]:
    """Return every graph's run, checked; several graphs write their outputs to one folder each."""
    output_dir = Path(request["output_dir"])
    written = _chosen_outputs(graphs, request["outputs"])
    return [
        _Run(
            graph,
            _inputs(graph, inferences, request),
            written,
            output_dir / folder_name(graph.name) if len(graphs) > 1 else output_dir,
            request["native_inputs"],
            request["native_outputs"],
        )
        for graph, inferences in zip(graphs, request["lists"] or [[] for _ in graphs], strict=True)
    ]


def _chosen_outputs(graphs: list[GraphInterface], names: list[str]) -> set[str]:
    known = {spec.name for graph in graphs for spec in graph.outputs}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ToolError(
            ErrorCode.WRONG_INPUT_NAME,
            f"{unknown[0]!r} is not an output of the prepared graph, which has {', '.join(sorted(known))}: "
            "inner tensors cannot be read from a cache record.",
            "Tensor",
        )
    return set(names) or known


def _inputs(
    interface: GraphInterface, inferences: list[list[dict[str, Any]]], request: dict[str, Any]
) -> list[list[Path]]:
    """Return each inference's files in the order of the graph's inputs, all checked before anything runs."""
    native = request["native_inputs"]
    sizes = {spec.name: spec.stored_bytes if native else spec.float_bytes for spec in interface.inputs}
    others = {spec.name: spec.float_bytes if native else spec.stored_bytes for spec in interface.inputs}
    lines = [[InputFile(**entry) for entry in line] for line in inferences]
    resolved = resolve(lines, sizes, Path(request["input_dir"]), others, native=native)
    return [[files[name] for name in sizes] for files in resolved]


def _recording(
    scope: ExitStack, session: Session, run: _Run, request: dict[str, Any], reply: Reply
) -> Recording:
    level = ProfileLevel[request["profile"]] if request["profile"] else None
    return Recording(scope, session, run.interface.name, level, reply.notice)


def _open_logs(runs: list[_Run], recordings: list[Recording], request: dict[str, Any]) -> list[str]:
    """Open one log per graph, beginning with the graph's timeline if requested, and return their names."""
    wanted = request["log"]
    if not wanted:
        return []
    dlc = Dlc(Path(request["dlc"]))
    timelines = {each.graph: each for each in read_timelines(dlc, request["soc"])}
    names = [log_name(index, len(runs)) for index in range(len(runs))]
    for name, run, recording in zip(names, runs, recordings, strict=True):
        path = Path(wanted["directory"], name)
        log = recording.keep_log(path, wanted["application"], wanted["version"], wanted["backend"])
        if request["timeline"]:
            timeline = timelines.get(run.interface.name)
            if timeline is None:
                missing = f"{dlc.path} has no timeline of {run.interface.name} for {request['soc']}."
                raise ToolError(ErrorCode.MISSING_RECORD, missing, "DLC")
            log.add(
                Message(Method.FINALIZE, timeline.graph, timeline.start_us, timeline.stop_us, timeline.events)
            )
    return names


def _run(
    session: Session, context: c_void_p, run: _Run, recording: Recording, duration_s: float, reply: Reply
) -> int:
    """Run a graph's list, and return how many inferences ran."""
    graph = session.graph(context, run.interface.name)
    count = 0
    for index, files in _passes(run.inferences, duration_s):
        first_pass = count < len(run.inferences)
        if first_pass:
            reply.progress(inference=index, paths=[str(path) for path in files])
        stored = [
            raw if run.native_inputs else spec.store(raw)
            for spec, raw in zip(run.interface.inputs, (path.read_bytes() for path in files), strict=True)
        ]

        def work(profile: c_void_p | None, stored: list[bytes] = stored) -> list[bytes]:
            return context_binary.execute(session, graph, run.interface, stored, profile)

        results = recording.call(Method.EXECUTE, work)
        if first_pass:
            _write(run, index, results)
        count += 1
    return count


def _passes(inferences: list[list[Path]], duration_s: float) -> Iterator[tuple[int, list[Path]]]:
    """Yield the list once, then repeatedly until `duration_s` has passed."""
    end = time.monotonic() + duration_s
    yield from enumerate(inferences)
    for index, files in chain.from_iterable(repeat(list(enumerate(inferences)))):
        if time.monotonic() >= end:
            return
        yield index, files


def _write(run: _Run, index: int, results: Iterable[bytes]) -> None:
    files = result_files(index, (spec.name for spec in run.interface.outputs))
    for spec, content in zip(run.interface.outputs, results, strict=True):
        if spec.name in run.written:
            target = run.output_dir / files[spec.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if run.native_outputs else spec.load(content))
