"""The viewer's text report without a reader: every event of the log as a CSV row."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from hostsdk.events import Event, Unit
from hostsdk.viewer.log import Log

_COLUMNS = (
    "Msg Timestamp",
    "Message",
    "Time",
    "Unit of Measurement",
    "Timing Source",
    "Event Level",
    "Event Identifier",
)
_MESSAGES: Mapping[int, str] = {
    100: "INIT",
    300: "FINALIZE",
    400: "EXECUTE",
    404: "NODE",
    405: "EXECUTE QUEUE WAIT",
    406: "EXECUTE PREPROCESS",
    407: "EXECUTE DEVICE",
    408: "EXECUTE POSTPROCESS",
    500: "DEINIT",
}
_FIRST_BACKEND_TYPE = 1000
_UNITS: Mapping[int, str] = {
    Unit.MICROSECONDS: "US",
    Unit.BYTES: "BYTES",
    Unit.CYCLES: "CYCLES",
    Unit.COUNT: "COUNT",
    Unit.OBJECT: "OBJECT",
    Unit.NONE_IN_LOG: "NONE",
}


def csv_report(logs: Sequence[Log]) -> str:
    """Return all events of all logs, in order, under the vendor's columns."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for log in logs:
        for message in log.messages:
            for root in message.events:
                writer.writerows(_row(event, depth) for event, depth in root.walk())
    return text.getvalue()


def _row(event: Event, depth: int) -> tuple[str, ...]:
    named = _MESSAGES.get(event.type) or ("BACKEND" if event.type >= _FIRST_BACKEND_TYPE else "UNKNOWN")
    value = "UNKNOWN" if event.unit == Unit.OBJECT else str(event.value)
    unit = _UNITS.get(event.unit, "UNKNOWN")
    level = "SUB-EVENT" if depth else "ROOT"
    return ("0", named, value, unit, "BACKEND", level, _as_text(event.identifier))


def _as_text(name: str) -> str:
    """Return the name of a node such that no spreadsheet takes it for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else name
