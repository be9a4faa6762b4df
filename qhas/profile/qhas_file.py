"""A QHAS JSON file as a whole: cores, resources, ops of the network, HTP ops, dominant path.

The vendor calls QHAS beta and subject to change: fields are read by name, unknown ones ignored, and a section that is
absent or empty is named in `missing` instead of being an error. What nobody can do without is the overall summary.
Field names are of QHAS 1.0.0; one suffixed `_htp_0` has a sibling for every core.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from qhas.profile.metrics import QhasInvalid
from qhas.sweep.spec import describe

IDLE = "Accumulated Idle"
"""What the dominant path calls its gaps."""
_GZIP = b"\x1f\x8b"
_DOMINANT = re.compile(r"num_dominant_path_cycles_htp_(\d+)")
_PATH = re.compile(r"dominant_path_htp_(\d+)")


class _Row(BaseModel):
    """A row of a section; keys that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Traffic(_Row):
    """Bytes moved; None where the file does not tell."""

    dram_read: int | None = None
    dram_write: int | None = None
    vtcm_read: int | None = None
    vtcm_write: int | None = None

    @property
    def dram(self) -> int | None:
        """Bytes from and to DRAM."""
        return _sum(self.dram_read, self.dram_write)

    @property
    def vtcm(self) -> int | None:
        """Bytes from and to VTCM."""
        return _sum(self.vtcm_read, self.vtcm_write)


class ResourceRow(Traffic):
    """A thread of a unit: HMX, HVX, DMA or what the vendor adds."""

    type: str
    tid: int
    cycles_used: int
    utilization: float


class Core(_Row):
    """The overall summary of one HTP core. Times in microseconds, memory in bytes."""

    htp: int = 0
    resources: tuple[ResourceRow, ...] = ()
    percent_idle: float
    time_us: int
    graph_execute_us: int | None = None
    timeline_cycles: int
    total_dram_read: int
    total_dram_write: int
    total_vtcm_read: int
    total_vtcm_write: int
    peak_vtcm_alloc: int
    qnn_nodes: int
    htp_nodes: int

    @model_validator(mode="before")
    @classmethod
    def _flatten_resources(cls, row: Any) -> Any:
        nested = row.get("htp_resources") if isinstance(row, dict) else None
        return row | {"resources": _rows(nested)} if nested is not None else row


@cache
def _core_of(field: str) -> int | None:
    """The core whose dominant path a field is about. Kept: every row has the same fields."""
    match = _DOMINANT.fullmatch(field)
    return int(match[1]) if match else None


class _Op(Traffic):
    """Cycles are summed over parallel threads: work. `dominant` is time: cycles on the dominant path, by core."""

    cycles: int
    dominant: dict[int, int] = {}

    @model_validator(mode="before")
    @classmethod
    def _gather_cores(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        cores = {core: row[key] for key in row if (core := _core_of(key)) is not None}
        return row | {"dominant": cores}


class QnnOp(_Op):
    """An op of the network, as its author knows it."""

    name: str = Field(alias="qnn_op")
    type: str = Field(alias="qnn_op_type")
    num_htp_ops: int | None = None


class HtpOpType(_Op):
    """A type of HTP op, as in `q::Add.tcm`: what ops of the network are compiled to."""

    op: str
    instances: int
    format_change: bool = False
    reference_op: bool = False


class HtpOp(Traffic):
    """One HTP op on one thread. The low half of `op_id` is the number of the network's op, in the network's order."""

    htp: int = 0
    op_id: str
    htp_op: str
    qnn_op: str
    dtype: str = ""
    dims: tuple[int, ...] = ()
    input_nodes: tuple[str, ...] = ()
    cycles: int
    start_cycle: int = 0
    num_dominant_path_cycles: int = 0
    fmt_change: bool = False
    ref_op: bool = False
    hmx: bool = False
    dma_wait: bool = False
    dma_set: bool = False
    sync: bool = False

    @property
    def place(self) -> int | None:
        """Place of the network's op in the network; None for an id that is no number."""
        try:
            return int(self.op_id, 16) & 0xFFFFFFFF
        except ValueError:
            return None


class PathStep(_Row):
    """A stretch of the dominant path: an op, or idle time."""

    op_id: str = ""
    htp_op: str
    qnn_op: str = ""
    start_cycle: int = 0
    end_cycle: int = 0
    dp_cycles: int

    @property
    def idle(self) -> bool:
        """Whether nothing works."""
        return self.htp_op == IDLE


class QhasFile(BaseModel):
    """The whole file. `missing` names sections that are absent or empty."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    graph: str
    provenance: dict[str, Any]
    cores: tuple[Core, ...] = Field(min_length=1)
    qnn_ops: tuple[QnnOp, ...] = ()
    htp_op_types: tuple[HtpOpType, ...] = ()
    htp_ops: tuple[HtpOp, ...] = ()
    paths: dict[int, tuple[PathStep, ...]] = {}
    missing: tuple[str, ...] = ()

    @cached_property
    def longest(self) -> Core:
        """The core whose timeline is the longest: the inference ends with it."""
        return max(self.cores, key=lambda core: core.timeline_cycles)

    @cached_property
    def idle(self) -> int:
        """Cycles in which nothing works on the core that ends last."""
        core = self.longest
        if steps := self.paths.get(core.htp):
            return sum(step.dp_cycles for step in steps if step.idle)
        return round(core.timeline_cycles * core.percent_idle / 100)

    @property
    def simulated(self) -> bool:
        """Whether the file says of itself that nothing was measured."""
        return self.provenance.get("origin") == "simulator"


RowT = TypeVar("RowT", bound=BaseModel)


def read_qhas(path: Path) -> QhasFile:
    """Read a file, `.json` or gzip of it. Raises QhasInvalid, also for one that cannot be opened."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise QhasInvalid(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_qhas(content, path.name)


def parse_qhas(content: bytes, name: str) -> QhasFile:
    """The file of these bytes, gzip or not; `name` is for people. Raises QhasInvalid."""
    try:
        document = orjson.loads(gzip.decompress(content) if content.startswith(_GZIP) else content)
    except (orjson.JSONDecodeError, EOFError, OSError, zlib.error) as error:
        raise QhasInvalid(f"{name} is not whole JSON: {error}") from error
    try:
        return _file(document, name)
    except ValidationError as error:
        raise QhasInvalid(f"{name} has an unexpected value: {describe(error)}") from error
    except KeyError as error:
        raise QhasInvalid(f"{name} has no {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise QhasInvalid(f"{name} has an unexpected shape: {error}") from error


def _file(document: Mapping[str, Any], name: str) -> QhasFile:
    header, sections = document["header"], document["data"]
    if header["artifact_type"] != "QHAS":
        raise ValueError(f"its artifact type is {header['artifact_type']!r}")
    version = header.get("version") or {}
    found = {section: _rows(content) for section, content in sections.items() if isinstance(content, dict)}
    cores = [Core.model_validate(row) for row in _rows(sections["htp_overall_summary"])]
    if not cores:
        raise ValueError("its overall summary has no core")
    paths = {int(match[1]): rows for section, rows in found.items() if (match := _PATH.fullmatch(section))}
    wanted = (
        "qnn_op_instances_nodes",
        "htp_op_types",
        "htp_op_instances",
        *(f"dominant_path_htp_{core.htp}" for core in cores),
    )
    return QhasFile(
        name=name,
        version=".".join(str(version.get(part, "?")) for part in ("major", "minor", "patch")),
        graph=str(document.get("model_id", "")),
        provenance=header.get("provenance") or {},
        cores=tuple(cores),
        qnn_ops=_typed(QnnOp, found.get("qnn_op_instances_nodes", [])),
        htp_op_types=_typed(HtpOpType, found.get("htp_op_types", [])),
        htp_ops=_typed(HtpOp, found.get("htp_op_instances", [])),
        paths={core: _typed(PathStep, rows) for core, rows in paths.items()},
        missing=tuple(section for section in wanted if not found.get(section)),
    )


def _rows(section: Mapping[str, Any]) -> list[Any]:
    rows = section["data"]
    if not isinstance(rows, list):
        raise TypeError("a section's data is no list")
    return rows


def _typed(model: type[RowT], rows: list[Any]) -> tuple[RowT, ...]:
    return _table(model).validate_python(rows)


@cache
def _table(model: type[RowT]) -> TypeAdapter[tuple[RowT, ...]]:
    """Validates all rows in one call: half the time of one a row, of which large networks have thousands."""
    return TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]


def _sum(*parts: int | None) -> int | None:
    told = [part for part in parts if part is not None]
    return sum(told) if told else None
