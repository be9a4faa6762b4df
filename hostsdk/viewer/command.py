"""The command line of qnn-profile-viewer.

Exit codes: 0 done, 1 an input cannot be post-processed and nothing was written, 2 the command line is wrong. Every
refusal is one sentence on stderr. The texts "Error printing stats." and "No Valid Input Schematics" are the vendor's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from hostsdk.errors import Refusal
from hostsdk.shown import printed_as_text
from hostsdk.viewer.analysis import Analysis, Zoom, analyse, pick_timeline
from hostsdk.viewer.chrometrace import chrometrace, in_microseconds
from hostsdk.viewer.csv_report import csv_report
from hostsdk.viewer.features import Configuration, Feature, read_configuration
from hostsdk.viewer.framework import framework_names
from hostsdk.viewer.htp_graph import htp_graph
from hostsdk.viewer.json_text import compact, indented
from hostsdk.viewer.log import Log, read_log
from hostsdk.viewer.output import OutputError, is_compressed, stem, write_all
from hostsdk.viewer.page import qhas_page
from hostsdk.viewer.qhas import qhas_summary
from hostsdk.viewer.runtrace import runtrace
from hostsdk.viewer.schema import qhas_schema
from hostsdk.viewer.schematic import SchematicError, read_schematic
from hostsdk.viewer.timeline import find_timelines

_PROGRAM = "qnn-profile-viewer"
_READER = "libQnnHtpOptraceProfilingReader.so"
_WRONG_READER = "Error printing stats."
_NO_SCHEMATIC = "No Valid Input Schematics"


def main(argv: Sequence[str]) -> int:
    """Run the viewer with the arguments after its name; return the exit code."""
    with printed_as_text():
        return _viewed(argv)


def _viewed(argv: Sequence[str]) -> int:
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 2
    try:
        _run(arguments)
    except SchematicError as refusal:
        print(f"{_NO_SCHEMATIC}: {refusal}", file=sys.stderr)
        return 1
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        allow_abbrev=False,
        description="Post-process a QNN profiling log. Without --reader: a CSV report. "
        f"With {_READER}: chrometrace, QHAS summary and their companions, next to --output.",
    )
    parser.add_argument("--input_log", required=True, metavar="LOG[,LOG...]", help="profiling logs")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write; .json.gz compresses")
    parser.add_argument("--reader", type=Path, metavar="LIB", help=f"path of {_READER}")
    parser.add_argument("--schematic", type=Path, metavar="BIN", help="schematic written with the container")
    parser.add_argument("--config", type=Path, metavar="JSON", help="features to switch on and off")
    parser.add_argument(
        "--dlc", type=Path, metavar="DLC", help="adds the names that ops have in the framework"
    )
    parser.add_argument("--zoom_start", metavar="NODE", help="first QNN node to show")
    parser.add_argument("--zoom_end", metavar="NODE", help="last QNN node to show")
    parser.add_argument(
        "--microseconds",
        action="store_true",
        help="also write the trace with its times in microseconds, as <stem>_us.json",
    )
    parser.add_argument("--gzip", action="store_true", help="compress the outputs")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    return parser


class _Version(argparse.Action):
    """Looks up the version only on request: that costs more than reading a small log."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib import metadata

        try:
            version = metadata.version("qhas-flows")
        except metadata.PackageNotFoundError:
            version = "unknown"
        print(f"{_PROGRAM} (host SDK) v{version}")
        parser.exit()


def _run(arguments: argparse.Namespace) -> None:
    if arguments.reader is not None and arguments.reader.name != _READER:
        raise Refusal(
            f"{_WRONG_READER} {arguments.reader.name} cannot read this log here; give {_READER} to --reader."
        )
    configuration = read_configuration(arguments.config) if arguments.config else Configuration()
    for warning in configuration.warnings:
        print(f"{_PROGRAM}: {warning}", file=sys.stderr)
    if arguments.output is not None and not arguments.output.parent.is_dir():
        raise OutputError(f"The directory of --output {arguments.output} does not exist; create it first.")
    logs = [read_log(Path(name)) for name in arguments.input_log.split(",") if name]
    if arguments.reader is None:
        _report(logs, arguments.output)
    else:
        _post_process(logs, arguments, configuration)


def _report(logs: Sequence[Log], output: Path | None) -> None:
    text = csv_report(logs)
    if output is None:
        sys.stdout.write(text)
    else:
        write_all(output.parent, {output.name: [text]}, compress=False)


def _post_process(logs: Sequence[Log], arguments: argparse.Namespace, configuration: Configuration) -> None:
    if arguments.output is None:
        raise OutputError("--reader needs --output, the chrometrace to write, such as chrometrace.json.")
    timelines = find_timelines(logs)
    if arguments.schematic is None:
        raise SchematicError("--schematic is missing; give the *_schematic.bin written with the container.")
    schematic = read_schematic(arguments.schematic)
    timeline = pick_timeline(timelines, schematic)
    names = _framework_names(arguments.dlc, timeline.graph)
    analysis = analyse(timeline, schematic, Zoom(arguments.zoom_start, arguments.zoom_end), names)
    if timeline.ops_without_cost:
        print(
            f"{_PROGRAM}: {timeline.ops_without_cost} ops have no known cost: the estimate leaves them out.",
            file=sys.stderr,
        )
    compress = arguments.gzip or configuration.gzip or is_compressed(arguments.output)
    files = _files(analysis, stem(arguments.output), configuration.features)
    if arguments.microseconds:
        in_us = chrometrace(analysis, configuration.features, in_microseconds(analysis))
        files[f"{stem(arguments.output)}_us.json"] = in_us
    for path in write_all(arguments.output.parent, files, compress):
        print(path)


def _framework_names(dlc: Path | None, graph: str) -> dict[str, str]:
    if dlc is None:
        return {}
    names = framework_names(dlc, graph)
    if not names:
        print(
            f"{_PROGRAM}: {dlc} carries no framework trace of graph {graph!r}: names stay QNN's.",
            file=sys.stderr,
        )
    return names


def _files(analysis: Analysis, name: str, features: frozenset[Feature]) -> dict[str, Iterable[str]]:
    """Return the text of the outputs that are on, by file name."""
    summary = qhas_summary(analysis)
    files: dict[str, Iterable[str]] = {
        f"{name}.json": chrometrace(analysis, features),
        f"{name}_qnn_htp_analysis_summary.html": qhas_page(summary),
    }
    if Feature.QHAS_JSON in features:
        files[f"{name}_qnn_htp_analysis_summary.json"] = [indented(summary)]
    if Feature.HTP_JSON in features:
        files[f"{name}_htp.json"] = [compact(htp_graph(analysis))]
    if Feature.RUNTRACE in features:
        files[f"{name}_runtrace.json"] = [indented(runtrace(analysis))]
    if Feature.QHAS_SCHEMA in features:
        files["qhas_schema.json"] = [indented(qhas_schema())]
    return files
