"""A run as Prefect's artifacts show it: texts and tables, built from records only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from qhas.markdown import as_code, as_text
from qhas.outside_text import shown
from qhas.runs import keys
from qhas.runs.links import LinkMaker
from qhas.runs.record import CellRecord, Origin, SweepRecord, by_graph
from qhas.runs.rows import columns, row
from qhas.store import Store

LINKED_CELLS = 200
"""The most cells that have links: a signed link is half a kilobyte."""
_MOST_FAILURES = 50
_EVIDENCE_CHARACTERS = 1500


def artifact_key(name: str) -> str:
    """Turn the name into a key: Prefect's hold lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def links_of(record: CellRecord, links: LinkMaker) -> dict[str, str]:
    """Return links to those files of a cell that a browser can open, keyed by what they are."""
    links_by_name = dict[str, str | None]()
    if trace := record.artifact("chrometrace"):
        links_by_name["Perfetto"] = links.in_perfetto(keys.file(record, trace))
        links_by_name["trace"] = links.to(keys.file(record, trace))
    if page := record.artifact("qhas_html") or record.artifact("qhas"):
        links_by_name["QHAS"] = links.to(keys.file(record, page))
    return {name: link for name, link in links_by_name.items() if link}


def cell_table(origin: Origin, records: Sequence[CellRecord]) -> list[dict[str, str]]:
    """Return one row per cell: the report's columns and the note, as plain text, which is all a table shows."""
    records = by_graph(records)
    titled = columns(origin, records)
    rows = [asdict(row(record)) for record in records]
    return [
        {column.title: shown(line[column.field]) for column in titled} | {"note": shown(line["note"])}
        for line in rows
    ]


def trace_page(records: Sequence[CellRecord], store: Store, links: LinkMaker) -> str | None:
    """Return Markdown: a row per cell with links to trace and QHAS, or the trace's address. None without a trace."""
    traced = [record for record in by_graph(records) if record.artifact("chrometrace")]
    if not traced:
        return None
    lines = [
        f"| {as_text(each.cell.label)} | {_opened(each, store, links)} |" for each in traced[:LINKED_CELLS]
    ]
    more = len(traced) - LINKED_CELLS
    return "\n".join(
        [
            "| cell | open |",
            "|---|---|",
            *lines,
            *([f"\nAnd {more} more: see the report."] if more > 0 else []),
        ]
    )


def _opened(record: CellRecord, store: Store, links: LinkMaker) -> str:
    if opened := links_of(record, links):
        return " · ".join(f"[{name}]({link})" for name, link in opened.items())
    trace = record.artifact("chrometrace")
    return as_code(store.url(keys.file(record, trace))) if trace else ""


def failure_page(run: SweepRecord, records: Sequence[CellRecord], store: Store) -> str | None:
    """Return Markdown with each failed cell, its reason and its next step. None if no cell failed."""
    failed = [record for record in records if record.failure]
    if not failed:
        return None
    more = len(failed) - _MOST_FAILURES
    parts = [
        f"# {len(failed)} of {run.cells} cells failed",
        "**Retry** runs these cells again and keeps the good ones.",
        *(part for record in failed[:_MOST_FAILURES] for part in _describe(record, store)),
        *([f"And {more} more: see the report."] if more > 0 else []),
    ]
    return "\n\n".join(parts)


def _describe(record: CellRecord, store: Store) -> Iterator[str]:
    failure = record.failure
    if failure is None:
        return
    device = f", on {record.device.name}" if record.device else ""
    yield f"## {as_text(record.cell.label)}: {as_text(failure.kind)}"
    yield f"{as_text(failure.message)} (step {as_text(failure.step)}{as_text(device)})"
    yield f"**Next step:** {failure.hint}"
    if failure.evidence:
        yield "\n".join(
            f"    {line}" for line in shown(failure.evidence)[-_EVIDENCE_CHARACTERS:].splitlines()
        )
    yield f"Full tool output: {as_code(store.url(keys.cell(record.run_id, record.cell)))}"
