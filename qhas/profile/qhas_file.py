"""A QHAS JSON file as a whole: cores, resources, ops of the network, HTP ops, dominant path.

All other modules read the format through this one. The vendor calls QHAS beta and subject to change: fields are read
by name, unknown ones are ignored, and a section that is absent or empty is named in `missing` instead of being an
error; an absent mark of an op is None, not False. Only the overall summary is indispensable. Field names are those of
QHAS 1.0.0; a field suffixed `_htp_0` has a counterpart for every core.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import orjson
from msgspec.structs import astuple
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.outside_bytes import Unbounded, read_file, unpack
from qhas.profile.long_tables import IDLE, OPS, PATH, HtpOp, Loaded, PathStep, load
from qhas.profile.op_names import border_name
from qhas.profile.rows import validated

LARGEST = 128 << 20
"""Size limit in bytes, packed or not: some hundred thousand HTP ops. Parsed, a file takes several times its size."""
_WHOLE = 0.99
"""HTP ops with less than this share of the threads' cycles are not all of them."""
_GZIP = b"\x1f\x8b"
_KINDS = re.sub(rb"[^\w.]", b" ", re.sub(rb"[A-Za-z_]", b".", re.sub(rb"\d", b"0", bytes(range(256)))))
"""For every byte: 0 for a digit, a point for whatever makes the digits after it not an integer, else a blank."""
_LARGE = b" " + 13 * b"0"
"""In these kinds, a count so large that the rows that fit into a file may add up to more than 64 bits.

Finding it with a pattern takes 20 times as long.
"""
_OF_CORE = re.compile(r"(num|percent)_dominant_path_cycles_htp_(\d+)")


class QhasInvalid(InvalidInput):
    """The file is not a QHAS summary. The message names what is wrong or missing."""


def _no_text(value: Any) -> Any:
    if isinstance(value, str):
        raise PydanticCustomError("text", "{value} is text where a number is expected", {"value": value[:40]})
    return value


Count = Annotated[int, BeforeValidator(_no_text)]


class _Row(BaseModel):
    """A row of a section; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Traffic(_Row):
    """Bytes moved; None if the file does not say."""

    dram_read: int | None = None
    dram_write: int | None = None
    vtcm_read: int | None = None
    vtcm_write: int | None = None

    @property
    def dram(self) -> int | None:
        """Bytes read from and written to DRAM."""
        return _sum(self.dram_read, self.dram_write)

    @property
    def vtcm(self) -> int | None:
        """Bytes read from and written to VTCM."""
        return _sum(self.vtcm_read, self.vtcm_write)


class ResourceRow(Traffic):
    """A thread of a unit: HMX, HVX, DMA or whatever the vendor adds."""

    type: str
    tid: int
    cycles_used: int
    utilization: float


class Core(_Row):
    """The overall summary of one HTP core: times in microseconds, memory in bytes."""

    htp: int = 0
    resources: tuple[ResourceRow, ...] = ()
    percent_idle: float
    percent_utilization: float
    time_us: Annotated[Count, Field(ge=0)]
    graph_execute_us: int | None = None
    timeline_cycles: Annotated[Count, Field(ge=0)]
    total_dram_read: Count
    total_dram_write: Count
    total_vtcm_read: Count
    total_vtcm_write: Count
    peak_vtcm_alloc: Count
    qnn_nodes: Count
    htp_nodes: Count
    unique_qnn_ops: int = 0
    unique_htp_ops: int = 0
    """How many types there are; 0 if the file does not say, like the field above."""

    @model_validator(mode="before")
    @classmethod
    def _flatten_resources(cls, row: Any) -> Any:
        nested = row.get("htp_resources") if isinstance(row, dict) else None
        return row | {"resources": _rows(nested)} if nested is not None else row


@lru_cache(maxsize=256)
def _core_of(field: str) -> tuple[str, int] | None:
    """Return what a field states about a core's dominant path, and the core. Cached: every row has the same fields."""
    match = _OF_CORE.fullmatch(field)
    return (match[1], int(match[2])) if match else None


class _Op(Traffic):
    """An op or a type of op: its cycles are summed over parallel threads, so they are work.

    Figures of the dominant path are time, by core.
    """

    cycles: int
    dominant: dict[int, int] = {}
    """Cycles on the dominant path, by core."""
    dominant_percent: dict[int, float] = {}

    @model_validator(mode="before")
    @classmethod
    def _gather_cores(cls, row: Any) -> Any:
        if not isinstance(row, dict):
            return row
        paths: dict[str, dict[int, Any]] = {"num": {}, "percent": {}}
        for key in row:
            if of := _core_of(key):
                paths[of[0]][of[1]] = row[key]
        return row | {"dominant": paths["num"], "dominant_percent": paths["percent"]}


class QnnOp(_Op):
    """An op of the network, as its author knows it."""

    name: str = Field(alias="qnn_op")
    type: str = Field(alias="qnn_op_type")
    num_htp_ops: int | None = None


class QnnOpType(_Op):
    """A type of op of the network."""

    op: str


class HtpOpType(_Op):
    """A type of HTP op, as in `q::Add.tcm`: what ops of the network are compiled to."""

    op: str
    instances: int
    format_change: bool | None = None
    reference_op: bool | None = None


class QhasFile(BaseModel):
    """A whole QHAS file. `missing` names sections that are absent or empty."""

    model_config = ConfigDict(frozen=True, defer_build=True, arbitrary_types_allowed=True)

    name: str
    version: str
    graph: str
    provenance: dict[str, Any]
    estimate: str | None = None
    """For a simulated file, whether the vendor supports its SoC: `supported` or `unsupported`."""
    statement: str | None = None
    """What the file itself says about where its figures come from."""
    cores: tuple[Core, ...] = Field(min_length=1)
    qnn_op_types: tuple[QnnOpType, ...] = ()
    qnn_ops: tuple[QnnOp, ...] = ()
    htp_op_types: tuple[HtpOpType, ...] = ()
    htp_ops: SkipValidation[tuple[HtpOp, ...]] = ()
    paths: SkipValidation[dict[int, tuple[PathStep, ...]]] = {}
    missing: tuple[str, ...] = ()

    @cached_property
    def longest(self) -> Core:
        """The core with the longest timeline, which ends the inference. Figures of a single core are from it."""
        return max(self.cores, key=lambda core: core.timeline_cycles)

    def counted(self, what: Literal["qnn_nodes", "unique_qnn_ops", "unique_htp_ops"]) -> int:
        """Return how many of these the summary counts, on the core with the most; a list of them may be shorter."""
        return max(int(getattr(core, what)) for core in self.cores)

    @cached_property
    def idle(self) -> int:
        """Cycles in which nothing works on the core that finishes last."""
        core = self.longest
        if steps := self.paths.get(core.htp):
            return sum([step.dp_cycles for step in steps if step.htp_op == IDLE])
        return round(core.timeline_cycles * core.percent_idle / 100)

    @cached_property
    def compiled(self) -> Mapping[str, list[HtpOp]]:
        """The HTP ops by the network op they belong to, with all inputs as one op and all outputs as one."""
        compiled: defaultdict[str, list[HtpOp]] = defaultdict(list)
        for op in self.htp_ops:
            compiled[border_name(op.qnn_op)].append(op)
        return dict(compiled)

    @cached_property
    def lists_htp_ops(self) -> bool:
        """Whether the file lists all HTP ops: their cycles then add up to those of the threads."""
        used = sum(row.cycles_used for core in self.cores for row in core.resources)
        return bool(self.htp_ops) and sum([op.cycles for op in self.htp_ops]) >= _WHOLE * used

    @property
    def simulated(self) -> bool:
        """Whether the file itself says that nothing was measured."""
        return self.provenance.get("origin") == "simulator"


RowT = TypeVar("RowT", bound=BaseModel)


def read_qhas(path: Path | str) -> QhasFile:
    """Read a file, `.json` or gzipped. Raises QhasInvalid, also if it cannot be opened."""
    try:
        content = read_file(Path(path), LARGEST)
    except OSError as error:
        raise QhasInvalid(f"{path} cannot be read: {error.strerror or error}") from error
    return parse_qhas(content, Path(path).name)


def parse_qhas(content: bytes, name: str) -> QhasFile:
    """Parse a file's bytes, gzipped or not; `name` is what messages call it. Raises QhasInvalid."""
    try:
        text = unpack(content, LARGEST) if content.startswith(_GZIP) else content
        loaded = load(text)
    except Unbounded as error:
        raise QhasInvalid(f"{name} cannot be read: {error}") from error
    except (orjson.JSONDecodeError, EOFError, OSError) as error:
        raise QhasInvalid(f"{name} is not complete JSON: {error}") from error
    try:
        file = _file(loaded, name)
        if _LARGE in loaded.rest.translate(_KINDS):
            _require_sums_of_64_bits(file)
        return file
    except ValidationError as error:
        absent = next((fault["loc"][-1] for fault in error.errors() if fault["type"] == "missing"), None)
        what = f"an unexpected value: {describe(error)}" if absent is None else f"no {absent!r}"
        raise QhasInvalid(f"{name} has {what}") from error
    except KeyError as error:
        raise QhasInvalid(f"{name} has no {error.args[0]!r}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise QhasInvalid(f"{name} has an unexpected shape: {error}") from error


def _require_sums_of_64_bits(file: QhasFile) -> None:
    """Ensure that no sum over the rows is larger than a record or the history can hold. Raises ValueError."""
    models = (file.cores, file.qnn_op_types, file.qnn_ops, file.htp_op_types)
    tables = [
        *([[value for _, value in row] for row in rows] for rows in models),
        *(map(astuple, rows) for rows in (file.htp_ops, *file.paths.values())),
    ]
    for rows in tables:
        if sum(abs(value) for row in rows for value in row if type(value) is int) >= 1 << 63:
            raise ValueError("the sum of its counts has more than 64 bits")


def _file(loaded: Loaded, name: str) -> QhasFile:
    document, tables = loaded.document, loaded.tables
    header, sections = document["header"], document["data"]
    if header["artifact_type"] != "QHAS":
        raise ValueError(f"its artifact type is {header['artifact_type']!r}")
    version, provenance = header.get("version") or {}, header.get("provenance", {})
    producer = f"Made by {header['producer']}." if "producer" in header else None
    rows = {section: _rows(content) for section, content in sections.items() if isinstance(content, dict)}
    cores = [Core.model_validate(row) for row in _rows(sections["htp_overall_summary"])]
    if not cores:
        raise ValueError("its overall summary has no core")
    paths = {match[1]: section for section in rows if (match := PATH.fullmatch(section))}
    wanted = (
        "qnn_op_types",
        "qnn_op_instances_nodes",
        "htp_op_types",
        OPS,
        *(f"dominant_path_htp_{core.htp}" for core in cores),
    )
    return QhasFile(
        name=name,
        version=".".join(str(version.get(part, "?")) for part in ("major", "minor", "patch")),
        graph=str(document.get("model_id", "")),
        provenance=provenance,
        estimate=provenance.get("estimate"),
        statement=provenance.get("statement", producer),
        cores=tuple(cores),
        qnn_op_types=_typed(QnnOpType, rows.get("qnn_op_types", [])),
        qnn_ops=_typed(QnnOp, rows.get("qnn_op_instances_nodes", [])),
        htp_op_types=_typed(HtpOpType, rows.get("htp_op_types", [])),
        htp_ops=tables.get(OPS) or validated(HtpOp, rows.get(OPS, [])),
        paths={
            int(core): tables.get(section) or validated(PathStep, rows[section])
            for core, section in paths.items()
        },
        missing=tuple(section for section in wanted if not (tables.get(section) or rows.get(section))),
    )


def _rows(section: Mapping[str, Any]) -> list[Any]:
    rows = section["data"]
    if not isinstance(rows, list):
        raise TypeError("a section's data is not a list")
    return rows


def _typed(model: type[RowT], rows: list[Any]) -> tuple[RowT, ...]:
    return _table(model).validate_python(rows)


@cache
def _table(model: type[RowT]) -> TypeAdapter[tuple[RowT, ...]]:
    """Return a validator of all rows in one call: half the time of a call per row, and there may be thousands."""
    return TypeAdapter(tuple[model, ...])  # type: ignore[valid-type]


def _sum(*parts: int | None) -> int | None:
    numbers = [part for part in parts if part is not None]
    return sum(numbers) if numbers else None
