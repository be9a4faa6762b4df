"""SNPEDiag_0.log, and snpe-diagview, which turns it into text and CSV."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .container import PRODUCER
from .options import Kind, Option, UsageError, values
from .profile_log import Inference
from .session import Session, vendor_error

_COLUMNS = ("Message Timestamp", "Message", "Time", "Unit of Measurement", "Timing Source", "Event Level")
_INIT_US = {"Load": 900, "Deserialize": 1400, "Create": 21000, "Init": 23300, "De-Init": 1800}


def options(session: Session) -> list[Option]:
    """Return the tool's options."""
    return [*values("input_log", "output"), Option("csv_format_version", Kind.VALUE, ("1", "2"))]


def write_log(
    directory: Path, version: str, graph: str, soc: str, inferences: list[Inference], index: int = 0
) -> None:
    """Write `SNPEDiag_<index>.log` with the times of every inference."""
    document = {
        "producer": PRODUCER,
        "version": version,
        "graph": graph,
        "soc": soc,
        "total_us": [each.total_us for each in inferences],
        "graph_us": [each.graph_us for each in inferences],
    }
    (directory / f"SNPEDiag_{index}.log").write_text(json.dumps(document), encoding="utf-8")


def run(session: Session, given: Mapping[str, str]) -> None:
    """Print the statistics; with --output, also write the individual times as CSV."""
    if "input_log" not in given:
        raise UsageError("option '--input_log' is required")
    log = _read(Path(given["input_log"]))
    session.begin([log["soc"]], [log["graph"]])
    print(_report(log))
    if "output" in given:
        Path(given["output"]).write_text(_table(log), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        log: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise vendor_error(208, f"Diaglog failure; cannot read {path}", "Diagnostic Log") from None
    return log


def _report(log: Mapping[str, Any]) -> str:
    def mean(name: str) -> int:
        times: list[int] = log[name]
        return round(sum(times) / len(times))

    return "\n".join(
        [
            f"Software library version: {log['version']}",
            "",
            "Dnn Runtime Load/Deserialize/Create/De-Init Statistics:",
            "--------------------------------------------------",
            *(f"{name}: {time} us" for name, time in _INIT_US.items()),
            "",
            "Average SNPE Statistics:",
            "------------------------------",
            f"Total Inference Time: {mean('total_us')} us",
            f"Forward Propagate Time: {mean('graph_us')} us",
        ]
    )


def _table(log: Mapping[str, Any]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    for name, time in _INIT_US.items():
        table.writerow([0, name, time, "US", "SNPE", "ROOT"])
    for number, (total, graph) in enumerate(zip(log["total_us"], log["graph_us"], strict=True), start=1):
        table.writerow([number, "Total Inference Time", total, "US", "SNPE", "ROOT"])
        table.writerow([number, "Forward Propagate Time", graph, "US", "SNPE", "SUB-EVENT"])
    return text.getvalue()
