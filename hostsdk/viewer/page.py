"""The QHAS summary as a page (`<stem>_qnn_htp_analysis_summary.html`): one file, no scripts, no external resources.

It shows what the JSON holds, with long sections cut to their heaviest rows, and says in its first line that the
figures are estimates. Names come from models, so everything is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

_MOST_ROWS = 200
_STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: .2rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
.notice { border-left: 4px solid #c77700; padding: .5rem .8rem; background: #c7770018; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #8884; text-align: right; white-space: nowrap; }
th { position: sticky; top: 0; background: Canvas; }
th.text, td.text { text-align: left; max-width: 34rem; overflow: hidden; text-overflow: ellipsis; }
.note { color: GrayText; }
"""

_OVERALL = (
    ("time_us", "Time (us, estimate)"),
    ("inf_per_s", "Inferences per second"),
    ("timeline_cycles", "Cycles"),
    ("percent_utilization", "Busy (%)"),
    ("percent_idle", "Idle (%)"),
    ("total_dram_read", "DRAM read (bytes)"),
    ("total_dram_write", "DRAM written (bytes)"),
    ("total_vtcm_read", "VTCM read (bytes)"),
    ("total_vtcm_write", "VTCM written (bytes)"),
    ("peak_vtcm_alloc", "Peak VTCM in use (bytes)"),
    ("qnn_nodes", "QNN nodes"),
    ("unique_qnn_ops", "QNN op types"),
    ("htp_nodes", "HTP ops, bookkeeping included"),
    ("unique_htp_ops", "HTP op types"),
)
_WORK = (
    ("num_dominant_path_cycles_htp_0", "Dominant path cycles"),
    ("percent_dominant_path_cycles_htp_0", "Dominant path %"),
    ("cycles", "Cycles"),
    ("percent_active_cycles", "Active %"),
)
_BYTES = (
    ("dram_read", "DRAM read"),
    ("dram_write", "DRAM written"),
    ("vtcm_read", "VTCM read"),
    ("vtcm_write", "VTCM written"),
)
_RESOURCES = (
    ("type", "Unit"),
    ("tid", "Thread"),
    ("cycles_used", "Cycles used"),
    ("utilization", "Utilization %"),
    ("start_cycle", "From cycle"),
    ("end_cycle", "To cycle"),
    *_BYTES,
)
_SECTIONS = (
    ("qnn_op_types", "QNN op types", (("op", "Op type"), *_WORK, ("num_htp_ops", "HTP ops"), *_BYTES)),
    (
        "qnn_op_instances_nodes",
        "QNN nodes",
        (("qnn_op", "Node"), ("qnn_op_type", "Op type"), *_WORK, ("num_htp_ops", "HTP ops"), *_BYTES),
    ),
    (
        "htp_op_types",
        "HTP op types",
        (
            ("op", "HTP op"),
            *_WORK,
            ("instances", "Instances"),
            *_BYTES,
            ("format_change", "Format change"),
            ("reference_op", "Reference"),
        ),
    ),
    (
        "htp_op_instances",
        "HTP ops",
        (
            ("op_id", "Id"),
            ("htp_op", "HTP op"),
            ("qnn_op", "Node"),
            ("tid", "Thread"),
            ("start_cycle", "From cycle"),
            ("cycles", "Cycles"),
            ("num_dominant_path_cycles", "Dominant path cycles"),
            ("dtype", "Type"),
            ("dims", "Dims"),
            *_BYTES,
        ),
    ),
)
_TEXT = frozenset({"op", "qnn_op", "qnn_op_type", "htp_op", "type", "op_id", "dtype", "dims"})


def qhas_page(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the page of a QHAS summary, as `qhas.qhas_summary` builds it, in pieces."""
    title = f"QHAS: {summary['model_id']}"
    data = summary["data"]
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>\n<h1>{escape(title)}</h1>\n"
    yield _notice(summary["header"]["provenance"])
    for overall in data["htp_overall_summary"]["data"]:
        yield f"<h2>HTP {overall['htp']}</h2>\n"
        yield from _table((("what", ""), ("figure", "")), [_figure(overall, *entry) for entry in _OVERALL])
        yield "<h2>Resources</h2>\n"
        yield from _table(_RESOURCES, overall["htp_resources"]["data"])
    for section, heading, columns in _SECTIONS:
        yield f"<h2>{heading}</h2>\n"
        yield from _table(columns, data[section]["data"])
    yield "</body></html>\n"


def _notice(provenance: Mapping[str, Any]) -> str:
    facts = ", ".join(
        f"{name} {provenance[key]}"
        for key, name in (("soc", "SoC"), ("estimate", "estimate"))
        if key in provenance
    )
    missing = provenance["ops_without_cost"]
    gap = f" {missing} ops have no known cost and are not in the figures." if missing else ""
    return (
        f'<p class="notice"><strong>Origin: {escape(str(provenance["origin"]))}.</strong> '
        f"{escape(str(provenance['statement']))} ({escape(facts)}, core clock {provenance['core_mhz']:g} MHz)"
        f"{escape(gap)}</p>\n"
    )


def _figure(overall: Mapping[str, Any], key: str, label: str) -> dict[str, Any]:
    return {"what": label, "figure": overall[key]}


def _table(columns: Sequence[tuple[str, str]], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<div class="scroll"><table><tr>'
    yield from (f"<th{_align(key)}>{escape(label)}</th>" for key, label in columns)
    yield "</tr>\n"
    for row in rows[:_MOST_ROWS]:
        yield "<tr>" + "".join(_cells(columns, row)) + "</tr>\n"
    yield "</table></div>\n"
    if len(rows) > _MOST_ROWS:
        yield f'<p class="note">The first {_MOST_ROWS} of {len(rows)} rows; the QHAS JSON has all of them.</p>\n'


def _cells(columns: Iterable[tuple[str, str]], row: Mapping[str, Any]) -> Iterator[str]:
    for key, _ in columns:
        text = escape(_text(row[key]))
        title = f' title="{text}"' if key in _TEXT else ""
        yield f"<td{_align(key)}{title}>{text}</td>"


def _align(key: str) -> str:
    return ' class="text"' if key in _TEXT or key == "what" else ""


def _text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else ""
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.2f}"
        case list() | tuple():
            return " x ".join(str(item) for item in value)
        case _:
            return str(value)
