"""QHAS JSON to the figures of a cell record.

The vendor calls QHAS beta and subject to change, so fields are read by name and unknown ones ignored. Cycles of ops
are sums over parallel threads: work, not time. The dominant path is the critical path; ops are ranked by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from qhas.documents import describe

TOP_OPS = 10


class QhasInvalid(Exception):
    """The file is not a QHAS summary. The message names what is wrong or missing."""


class OpShare(BaseModel):
    """An op type of the network and its share, in percent, of the dominant path."""

    model_config = ConfigDict(extra="ignore")

    op: str
    cycles: int
    dominant_cycles: int
    dominant_percent: float


class Metrics(BaseModel):
    """Figures of the first, cold inference. Times in microseconds, memory in bytes, cycles of the HTP clock."""

    model_config = ConfigDict(extra="ignore")

    time_us: int
    timeline_cycles: int
    utilization_percent: float
    dram_read: int
    dram_write: int
    vtcm_read: int
    vtcm_write: int
    peak_vtcm: int
    qnn_nodes: int
    htp_nodes: int
    reference_ops: int
    format_changes: int
    op_counts: dict[str, int] | None = None
    """Ops of the network that ran on the HTP, by type; None where the file does not list them."""
    top_ops: list[OpShare] = []
    estimate: str | None = None
    """For simulated figures: `supported` or `unsupported` by the vendor for this SoC."""
    statement: str | None = None
    """What the file itself says of where its figures come from."""

    @property
    def dram_total(self) -> int:
        """Bytes read from and written to DRAM."""
        return self.dram_read + self.dram_write


def read_summary(path: Path) -> Metrics:
    """Figures of a QHAS JSON file. Raises QhasInvalid, also for files cut off in the middle."""
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise QhasInvalid(f"{path.name} is not whole JSON: {error}") from error
    try:
        return _metrics(document)
    except KeyError as error:
        raise QhasInvalid(f"{path.name} has no {error.args[0]!r}") from error
    except ValidationError as error:
        raise QhasInvalid(f"{path.name} has an unexpected value: {describe(error)}") from error
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise QhasInvalid(f"{path.name} has an unexpected shape: {error}") from error


def _metrics(document: Mapping[str, Any]) -> Metrics:
    if document["header"]["artifact_type"] != "QHAS":
        raise ValueError(f"its artifact type is {document['header']['artifact_type']!r}")
    sections = document["data"]
    cores = sections["htp_overall_summary"]["data"]
    first = cores[0]
    htp_ops = sections["htp_op_types"]["data"]
    return Metrics(
        time_us=first["time_us"],
        timeline_cycles=max(core["timeline_cycles"] for core in cores),
        utilization_percent=first["percent_utilization"],
        dram_read=_total(cores, "total_dram_read"),
        dram_write=_total(cores, "total_dram_write"),
        vtcm_read=_total(cores, "total_vtcm_read"),
        vtcm_write=_total(cores, "total_vtcm_write"),
        peak_vtcm=max(core["peak_vtcm_alloc"] for core in cores),
        qnn_nodes=first["qnn_nodes"],
        htp_nodes=_total(cores, "htp_nodes"),
        reference_ops=sum(op["instances"] for op in htp_ops if op["reference_op"]),
        format_changes=sum(op["instances"] for op in htp_ops if op["format_change"]),
        op_counts=_op_counts(sections.get("qnn_op_instances_nodes")),
        top_ops=_top_ops(sections["qnn_op_types"]["data"]),
        **_provenance(document["header"]),
    )


def _provenance(header: Mapping[str, Any]) -> dict[str, str | None]:
    stated = header.get("provenance", {})
    producer = f"Made by {header['producer']}." if "producer" in header else None
    return {"estimate": stated.get("estimate"), "statement": stated.get("statement", producer)}


def _total(cores: list[Mapping[str, Any]], field: str) -> int:
    return sum(core[field] for core in cores)


def _op_counts(section: Mapping[str, Any] | None) -> dict[str, int] | None:
    rows = section["data"] if section else None
    return dict(Counter(row["qnn_op_type"] for row in rows if "qnn_op_type" in row)) if rows else None


def _top_ops(rows: list[Mapping[str, Any]]) -> list[OpShare]:
    shares = [
        OpShare(
            op=row["op"],
            cycles=row["cycles"],
            dominant_cycles=row["num_dominant_path_cycles_htp_0"],
            dominant_percent=row["percent_dominant_path_cycles_htp_0"],
        )
        for row in rows
    ]
    return sorted(shares, key=lambda share: (-share.dominant_cycles, share.op))[:TOP_OPS]
