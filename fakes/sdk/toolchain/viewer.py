"""qnn-profile-viewer: log and schematic to chrometrace, QHAS and companions, by config.json's features."""

import csv
import gzip
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import timeline
from .faults import Fault
from .htp_graph import htp_graph
from .op_trace import chrometrace
from .options import Option, UsageError, flags, values
from .profile_log import LogError, ProfileLog
from .run_trace import runtrace
from .session import Session, ToolError
from .summary import page, qhas, schema

READER = "libQnnHtpOptraceProfilingReader.so"
FEATURE_DEFAULTS = {
    "enable_input_output_flow_events": True,
    "enable_sequencer_flow_events": True,
    "htp_json": True,
    "runtrace": True,
    "memory_info": True,
    "traceback": True,
    "qhas_schema": False,
    "qhas_json": False,
}
_CSV_COLUMNS = [
    "Msg Timestamp",
    "Message",
    "Time",
    "Unit of Measurement",
    "Timing Source",
    "Event Level",
    "Event Identifier",
]


def options(session: Session) -> list[Option]:
    """Return the tool's options."""
    return [
        *values("input_log", "output", "reader", "schematic", "config", "dlc", "zoom_start", "zoom_end"),
        *flags("gzip", "extract_opaque_objects", "standardized_json_output"),
    ]


def run(session: Session, given: Mapping[str, str]) -> None:
    """Write the files. Raises ToolError with the vendor's text."""
    if "input_log" not in given:
        raise UsageError("option '--input_log' is required")
    log = _read_log(Path(given["input_log"].split(",")[0]))
    session.begin([log.soc] if log else [], [log.graph] if log else [])
    if log is None:
        raise ToolError("[ERROR] Failed to read the profiling log\nError printing stats.")
    if "reader" not in given:
        _write_csv(log, given.get("output"))
        return
    reader = Path(given["reader"])
    if reader.name != READER or not reader.is_file():
        raise ToolError("Error printing stats.")
    if session.fault is Fault.NO_VALID_SCHEMATICS or not _fits(given.get("schematic"), log):
        raise ToolError("No Valid Input Schematics")
    features, compress = _read_config(given.get("config"))
    target = Path(given.get("output", "chrometrace.json"))
    compress = compress or "gzip" in given or target.suffix == ".gz"
    contents = {} if _is_newer(log.version, session.version) else _contents(session, log, features)
    _write_files(session, target, contents, compress)


def _read_log(path: Path) -> ProfileLog | None:
    try:
        return ProfileLog.from_bytes(path.read_bytes())
    except (OSError, LogError):
        return None


def _fits(schematic: str | None, log: ProfileLog) -> bool:
    """Whether the schematic is from the prepare whose DLC was executed."""
    if schematic is None or not log.traced:
        return False
    try:
        content: dict[str, Any] = json.loads(Path(schematic).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (content.get("prepare_id"), content.get("qnn_graph_name")) == (log.prepare_id, log.graph)


def _read_config(path: str | None) -> tuple[dict[str, bool], bool]:
    """Return the features, and whether to compress. Like the vendor's tool, ignore all outside "features"."""
    if path is None:
        return dict(FEATURE_DEFAULTS), False
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8")).get("features", {})
    except (OSError, ValueError, AttributeError):
        raise ToolError(f"[ERROR] Failed to parse the config file {path}") from None
    features = {name: bool(given.get(name, default)) for name, default in FEATURE_DEFAULTS.items()}
    return features, bool(given.get("gzip", False))


def _is_newer(left: str, right: str) -> bool:
    """Compare versions by number; a viewer older than its log writes a file of zero bytes without a message."""
    first, second = ([int(part) for part in version.split(".")] for version in (left, right))
    return first > second


def _contents(session: Session, log: ProfileLog, features: Mapping[str, bool]) -> dict[str, str]:
    """Return file contents keyed by what follows the stem of --output; `qhas_schema.json` is a whole name."""
    line = timeline.build(log.nodes, log.digest, log.soc, log.scale)
    document = qhas(log.graph, line, log.inferences[0])
    contents = {
        ".json": chrometrace(line, features),
        "_qnn_htp_analysis_summary.html": page(document),
    }
    if features["qhas_json"] and session.fault is not Fault.NO_QHAS:
        contents["_qnn_htp_analysis_summary.json"] = json.dumps(document, indent=4)
    if features["qhas_schema"]:
        contents["qhas_schema.json"] = json.dumps(schema(document), indent=4)
    if features["htp_json"]:
        contents["_htp.json"] = json.dumps(htp_graph(line))
    if features["runtrace"]:
        contents["_runtrace.json"] = runtrace(log.graph, log.inferences)
    return contents


def _write_files(session: Session, target: Path, contents: Mapping[str, str], compress: bool) -> None:
    name = target.name.removesuffix(".gz")
    stem = name.removesuffix(".json")
    if not contents or session.fault is Fault.EMPTY_TRACE:
        contents = {".json": ""}
    for ending, text in contents.items():
        file = ending if ending == "qhas_schema.json" else name if ending == ".json" else stem + ending
        data = _damaged(session.fault, ending, text).encode()
        if compress and data:
            file, data = f"{file}.gz", gzip.compress(data, mtime=0)
        target.with_name(file).write_bytes(data)
        if session.fault is Fault.CUT_TRACE:
            raise ToolError("Error printing stats: No space left on device")


def _damaged(fault: Fault | None, ending: str, text: str) -> str:
    if fault in (Fault.TRUNCATED_TRACE, Fault.CUT_TRACE) and ending == ".json":
        return text[: len(text) * 3 // 5]
    if fault is Fault.TRUNCATED_QHAS and ending == "_qnn_htp_analysis_summary.json":
        last = '"inf_per_s": '
        return text[: text.index(last) + len(last)]
    return text


def _write_csv(log: ProfileLog, output: str | None) -> None:
    """Write a CSV of the inferences to --output or the console, as is done without a reader."""
    rows: list[list[object]] = [list(_CSV_COLUMNS)]
    for number, inference in enumerate(log.inferences):
        rows += [
            [number, "Number of HVX threads used", 4, "COUNT", "BACKEND", "ROOT", ""],
            [number, "QNN accelerator (execute) time", inference.total_us, "US", "BACKEND", "ROOT", ""],
        ]
    if output is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    with Path(output).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
