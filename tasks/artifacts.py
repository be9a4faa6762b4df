"""A run as Prefect's artifacts show it: texts and tables, made from records only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from qhas.links import LinkMaker
from qhas.record import CellRecord, Origin, SweepRecord
from qhas.rows import columns, row
from qhas.runs import cell_prefix
from qhas.store import Store

LINKED_CELLS = 200
"""Cells of a table that have links: a signed one is half a kilobyte."""
_TOLD_FAILURES = 50
_EVIDENCE_CHARACTERS = 1500


def artifact_key(name: str) -> str:
    """The name as a key: Prefect's hold lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def as_text(text: str) -> str:
    """Text that the UI's Markdown shows as it is: names of ops, messages of tools."""
    return re.sub(r"([\\`*<\[\]|~])", r"\\\1", text)


def links_of(record: CellRecord, links: LinkMaker) -> dict[str, str]:
    """What of a cell a browser can open, by what it is."""
    prefix = cell_prefix(record.run_id, record.cell)
    found = dict[str, str | None]()
    if trace := record.artifact("chrometrace"):
        found["Perfetto"] = links.in_perfetto(f"{prefix}/{trace.path}")
        found["trace"] = links.to(f"{prefix}/{trace.path}")
    if page := record.artifact("qhas_html") or record.artifact("qhas"):
        found["QHAS"] = links.to(f"{prefix}/{page.path}")
    return {name: link for name, link in found.items() if link}


def cell_table(
    origin: Origin, records: Sequence[CellRecord], store: Store, links: LinkMaker
) -> list[dict[str, str]]:
    """A row a cell: the report's columns, the note, and what opens the trace or where it lies."""
    shown = columns(origin, list(records))
    rows = []
    for number, record in enumerate(records):
        cells = asdict(row(record))
        opened = _opened(record, store, links) if number < LINKED_CELLS else "see the report"
        rows.append(
            {column.title: as_text(cells[column.field]) for column in shown}
            | {"open": opened, "note": as_text(cells["note"])}
        )
    return rows


def _opened(record: CellRecord, store: Store, links: LinkMaker) -> str:
    if found := links_of(record, links):
        return " · ".join(f"[{name}]({link})" for name, link in found.items())
    trace = record.artifact("chrometrace")
    return f"`{store.url(f'{cell_prefix(record.run_id, record.cell)}/{trace.path}')}`" if trace else ""


def failure_page(run: SweepRecord, records: Sequence[CellRecord], store: Store) -> str | None:
    """Markdown: each failed cell with its reason and its next step. None if no cell failed."""
    failed = [record for record in records if record.failure]
    if not failed:
        return None
    more = len(failed) - _TOLD_FAILURES
    parts = [
        f"# {len(failed)} of {run.cells} cells failed",
        "**Retry** runs these cells again and keeps the good ones.",
        *(part for record in failed[:_TOLD_FAILURES] for part in _told(record, store)),
        *([f"And {more} more: see the report."] if more > 0 else []),
    ]
    return "\n\n".join(parts)


def _told(record: CellRecord, store: Store) -> Iterator[str]:
    failure = record.failure
    if failure is None:
        return
    device = f", on {record.device.name}" if record.device else ""
    yield f"## {as_text(record.cell.label)}: {as_text(failure.kind)}"
    yield f"{as_text(failure.message)} (step {as_text(failure.step)}{as_text(device)})"
    yield f"**Next step:** {as_text(failure.hint)}"
    if failure.evidence:
        yield "\n".join(f"    {line}" for line in failure.evidence[-_EVIDENCE_CHARACTERS:].splitlines())
    yield f"All that the tools said: `{store.url(cell_prefix(record.run_id, record.cell))}`"
