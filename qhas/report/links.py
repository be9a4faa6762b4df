"""Links from a page to a cell's files: relative, so that a report works from disk and from the bucket."""

from __future__ import annotations

from typing import NamedTuple

from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.store import Artifact
from qhas.sweep.spec import Cell

OUTPUT = "output"
_TITLES = {
    "chrometrace": "trace",
    "qhas_html": "QHAS",
    "qhas": "QHAS JSON",
    "qhas_schema": "QHAS schema",
    "htp_graph": "HTP graph for Netron",
    "timeline": "timeline of this page",
    "runtrace": "runtrace",
    "latency_samples": "latency samples",
    "device_log": "device log",
    "log": "profiling log",
    "schematic": "schematic",
    "diag_log": "diagnostic log",
    "config": "viewer config",
    "output_tensor": "output tensor",
    "unfinished": "may be cut off:",
}
_OF_FAILURE = ("device_log", OUTPUT)
"""The artifacts to open first if the cell failed."""


class Link(NamedTuple):
    """A link to a stored file; `href` is empty if the file was pruned."""

    text: str
    href: str
    artifact: Artifact | None = None


def cell_page(cell: Cell) -> str:
    """Return the path of a cell's page, relative to the run's page."""
    return f"cells/{cell.key}/index.html"


def files(record: CellRecord, to_root: str) -> list[Link]:
    """Return links to every file of the cell, the most helpful first, its record last."""
    ranks = {name: rank for rank, name in enumerate(_TITLES)}
    if record.failure:
        ranks |= {name: rank - len(_OF_FAILURE) for rank, name in enumerate(_OF_FAILURE)}
    base = f"{to_root}/{keys.cell(record.run_id, record.cell)}"
    ordered = sorted(record.artifacts, key=lambda artifact: ranks.get(artifact.name, len(ranks)))
    links = [Link(_title(a), "" if a.pruned_at else f"{base}/{a.path}", a) for a in ordered]
    return [*links, Link("record", keys.manifest(base))]


def link(record: CellRecord, to_root: str, name: str) -> Link | None:
    """Return the link to the artifact of that name; None if there is none or it was pruned."""
    artifact = record.artifact(name)
    if artifact is None:
        return None
    return Link(_title(artifact), f"{to_root}/{keys.file(record, artifact)}", artifact)


def first_links(record: CellRecord, to_root: str) -> list[Link]:
    """Return the links that a table has room for: trace and QHAS, or a failed cell's output of its device and tools."""
    if record.failure:
        return [
            file for file in files(record, to_root) if file.artifact and file.artifact.name in _OF_FAILURE
        ]
    return [first for name in ("chrometrace", "qhas_html") if (first := link(record, to_root, name))]


def _title(artifact: Artifact) -> str:
    if artifact.name == OUTPUT:
        return f"output of {artifact.path.removesuffix('.txt')}"
    if artifact.true_name:
        return f"{_TITLES.get(artifact.name, artifact.name)} {artifact.true_name}"
    return _TITLES.get(artifact.name, artifact.name)
