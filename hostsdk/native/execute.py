"""Job: run inferences of one prepared graph on the HTP emulator.

Request: library_dir, layout, dlc, record (name of the cache record, or null: compile now), soc, soc_model, options, input_dir,
inferences (lists of {name, path}), outputs (names, empty for all), output_dir, duration_s, profile (null or a
`ProfileLevel` name), log (null or {path, application, version, backend}), timeline (bool: put the DLC's timeline into the
log). Progress: inference (index), paths, before each one of the first pass. Result: graph, inferences (how many ran).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from ctypes import c_void_p
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from hostsdk.compile_options import CompileOptions
from hostsdk.dlc.dlc import Dlc
from hostsdk.dlc.timeline_record import read_timeline
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.input_list import InputFile, resolve
from hostsdk.native import context_binary
from hostsdk.native.context_binary import GraphInterface
from hostsdk.native.dlc_graphs import compose
from hostsdk.native.job import Reply, serve
from hostsdk.native.library import asked_for
from hostsdk.native.own_core import own_core
from hostsdk.native.prepare import graph_options
from hostsdk.native.profile_log import Message, Method, ProfileLog, open_log
from hostsdk.native.profiling import ProfileLevel, open_profile, read_events
from hostsdk.native.session import LogLevel, Session, open_session
from hostsdk.result_files import result_files


def execute(request: dict[str, Any], reply: Reply) -> None:
    """Run the job."""
    level = LogLevel(request["log_level"])
    with ExitStack() as scope:
        scope.enter_context(own_core())
        session = scope.enter_context(
            open_session(asked_for(request), request["soc_model"], reply.log, level)
        )
        record = _record(session, request)
        interface = _single(scope.enter_context(context_binary.describe(session, record)))
        written = _chosen_outputs(interface, request["outputs"])
        inferences = _inputs(interface, request)
        profile = None
        if request["profile"]:
            profile = scope.enter_context(
                open_profile(session, ProfileLevel[request["profile"]], optrace=False)
            )
        record_call = _recorder(scope, session, profile, interface.name, request)
        context = record_call(
            Method.CREATE_FROM_BINARY,
            lambda: scope.enter_context(context_binary.load(session, record, profile)),
        )
        graph = session.graph(context, interface.name)
        count = 0
        for index, files in _passes(inferences, request["duration_s"]):
            if count < len(inferences):
                reply.progress(inference=index, paths=[str(path) for path in files])
            contents = [path.read_bytes() for path in files]
            results = record_call(
                Method.EXECUTE, partial(context_binary.execute, session, graph, interface, contents, profile)
            )
            if count < len(inferences):
                _write(Path(request["output_dir"]), index, interface, results, written)
            count += 1
    reply.result(graph=interface.name, inferences=count)


def _record(session: Session, request: dict[str, Any]) -> bytes:
    """The cache record to run: the DLC's, or one compiled now."""
    path = Path(request["dlc"])
    if request["record"]:
        return Dlc(path).read(request["record"])
    options = graph_options(CompileOptions(**request["options"]))
    with compose(session, path, Path.cwd()) as dlc:
        for name in dlc.graph_names:
            dlc.finalize(name, options, None)
        return dlc.binary()


def _single(graphs: tuple[GraphInterface, ...]) -> GraphInterface:
    if len(graphs) != 1:
        names = ", ".join(graph.name for graph in graphs)
        raise ToolError(
            ErrorCode.INVALID_RECORD,
            f"the container holds {len(graphs)} graphs ({names}); one is served.",
            "DLC",
        )
    return graphs[0]


def _chosen_outputs(interface: GraphInterface, names: list[str]) -> set[str]:
    known = {spec.name for spec in interface.outputs}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ToolError(
            ErrorCode.WRONG_INPUT_NAME,
            f"{unknown[0]!r} is not an output of the prepared graph, which has {', '.join(sorted(known))}: "
            "inner tensors cannot be read from a cache record.",
            "Tensor",
        )
    return set(names) or known


def _inputs(interface: GraphInterface, request: dict[str, Any]) -> list[list[Path]]:
    """Each inference's files in the order of the graph's inputs; all are checked before anything runs."""
    sizes = {spec.name: spec.raw_bytes for spec in interface.inputs}
    lines = [[InputFile(**entry) for entry in line] for line in request["inferences"]]
    resolved = resolve(lines, sizes, Path(request["input_dir"]))
    return [[files[name] for name in sizes] for files in resolved]


def _passes(inferences: list[list[Path]], duration_s: float) -> Iterator[tuple[int, list[Path]]]:
    """The list once, then again and again until `duration_s` is over."""
    end = time.monotonic() + duration_s
    yield from enumerate(inferences)
    for index, files in chain.from_iterable(repeat(list(enumerate(inferences)))):
        if time.monotonic() >= end:
            return
        yield index, files


def _recorder(
    scope: ExitStack, session: Session, profile: c_void_p | None, graph: str, request: dict[str, Any]
) -> Callable[[Method, Callable[[], Any]], Any]:
    """A function that makes a call and, when a log is wanted, adds the call's events to it."""
    log: ProfileLog | None = None
    if request["log"]:
        wanted = request["log"]
        log = scope.enter_context(
            open_log(
                session.libraries,
                Path(wanted["path"]),
                wanted["application"],
                wanted["version"],
                wanted["backend"],
            )
        )
        if request["timeline"]:
            _add_timeline(log, Dlc(Path(request["dlc"])), request["soc"])

    def record(method: Method, call: Callable[[], Any]) -> Any:
        start = time.time_ns()
        outcome = call()
        stop = time.time_ns()
        if log and profile:
            log.add(Message(method, graph, start // 1000, stop // 1000, read_events(session, profile)))
        return outcome

    return record


def _add_timeline(log: ProfileLog, dlc: Dlc, soc: str) -> None:
    timeline = read_timeline(dlc, soc)
    if timeline is None:
        raise ToolError(ErrorCode.MISSING_RECORD, f"{dlc.path} has no timeline for {soc}.", "DLC")
    log.add(Message(Method.FINALIZE, timeline.graph, timeline.start_us, timeline.stop_us, timeline.events))


def _write(
    directory: Path, index: int, interface: GraphInterface, results: Iterable[bytes], written: set[str]
) -> None:
    files = result_files(index, (spec.name for spec in interface.outputs))
    for spec, content in zip(interface.outputs, results, strict=True):
        if spec.name in written:
            target = directory / files[spec.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


if __name__ == "__main__":
    serve(execute)
