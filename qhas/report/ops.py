"""The tables of a QHAS summary that a page has room for.

Rows are ranked by their share of the dominant path, which is time; cycles are summed over parallel threads, which is
work. A section that is absent or has another shape is left out: the page then says nothing of it.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar

import orjson

_GZIP = b"\x1f\x8b"
_SHOWN = 25
_DOMINANT = re.compile(r"num_dominant_path_cycles(?:_htp_\d+)?")
_PERCENT = re.compile(r"percent_dominant_path_cycles(?:_htp_0)?")
RowT = TypeVar("RowT")


@dataclass(frozen=True)
class OpRow:
    """An op type, or an op. `type` is the QNN op type where there is one; traffic in bytes."""

    name: str
    type: str
    dominant_percent: float
    dominant: int
    cycles: int
    htp_ops: int
    dram: int
    vtcm: int
    format_change: bool = False
    reference: bool = False


@dataclass(frozen=True)
class ResourceRow:
    """A thread of a unit. Utilisation in percent of the timeline, traffic in bytes."""

    core: int
    unit: str
    tid: int
    cycles_used: int
    utilization: float
    dram_read: int
    dram_write: int
    vtcm_read: int
    vtcm_write: int


@dataclass(frozen=True)
class Table:
    """The first rows, and how many there are in all."""

    rows: list[OpRow]
    total: int


@dataclass(frozen=True)
class OpTables:
    """What a page shows of a QHAS summary."""

    types: Table
    instances: Table
    htp_types: Table
    by_dram: Table
    """Ops of the network by the bytes they move to and from DRAM."""
    resources: list[ResourceRow]


def read_ops(content: bytes) -> OpTables | None:
    """The tables of a QHAS JSON file, gzipped or not; None for what is no such file."""
    try:
        document = orjson.loads(gzip.decompress(content) if content.startswith(_GZIP) else content)
        sections = document["data"]
        instances = _rows(sections, "qnn_op_instances_nodes", _instance)
        return OpTables(
            types=_ranked(_rows(sections, "qnn_op_types", _type)),
            instances=_ranked(instances),
            htp_types=_ranked(_rows(sections, "htp_op_types", _htp_type)),
            by_dram=_ranked((row for row in instances if row.dram), "dram"),
            resources=[
                resource
                for core in sections["htp_overall_summary"]["data"]
                for resource in _rows(core, "htp_resources", lambda row, core=core: _resource(core, row))  # type: ignore[misc]
            ],
        )
    except (orjson.JSONDecodeError, EOFError, OSError, zlib.error, LookupError, TypeError, AttributeError):
        return None


def _ranked(rows: Iterable[OpRow], by: str = "dominant") -> Table:
    ordered = sorted(rows, key=lambda row: (-attrgetter(by)(row), row.name))
    return Table(list(islice(ordered, _SHOWN)), len(ordered))


def _rows(
    sections: Mapping[str, Any], name: str, read: Callable[[Mapping[str, Any]], RowT]
) -> list[RowT]:
    """The rows of a section; none where it is absent or a row has not the fields it should have."""
    try:
        return [read(row) for row in sections[name]["data"]]
    except (LookupError, TypeError, ValueError, AttributeError):
        return []


def _type(row: Mapping[str, Any]) -> OpRow:
    return OpRow(str(row["op"]), str(row["op"]), **_figures(row), htp_ops=int(row.get("num_htp_ops") or 0))


def _instance(row: Mapping[str, Any]) -> OpRow:
    return OpRow(
        str(row["qnn_op"]),
        str(row["qnn_op_type"]),
        **_figures(row),
        htp_ops=int(row.get("num_htp_ops") or 0),
    )


def _htp_type(row: Mapping[str, Any]) -> OpRow:
    return OpRow(
        str(row["op"]),
        "",
        **_figures(row),
        htp_ops=int(row["instances"]),
        format_change=bool(row.get("format_change")),
        reference=bool(row.get("reference_op")),
    )


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dominant_percent": float(_sum(row, _PERCENT)),
        "dominant": int(_sum(row, _DOMINANT)),
        "cycles": int(row["cycles"]),
        "dram": _moved(row, "dram"),
        "vtcm": _moved(row, "vtcm"),
    }


def _sum(row: Mapping[str, Any], fields: re.Pattern[str]) -> float:
    return sum(value for key, value in row.items() if fields.fullmatch(key))


def _moved(row: Mapping[str, Any], memory: str) -> int:
    return int(row.get(f"{memory}_read") or 0) + int(row.get(f"{memory}_write") or 0)


def _resource(core: Mapping[str, Any], row: Mapping[str, Any]) -> ResourceRow:
    return ResourceRow(
        core=int(core.get("htp", 0)),
        unit=str(row["type"]),
        tid=int(row["tid"]),
        cycles_used=int(row["cycles_used"]),
        utilization=float(row["utilization"]),
        **{
            name: int(row.get(name) or 0) for name in ("dram_read", "dram_write", "vtcm_read", "vtcm_write")
        },
    )
