"""The long tables of a QHAS file, with thousands of rows: HTP ops and stretches of the dominant path.

They are decoded straight into structs, without a dict per row, which takes a third of the time and memory. Anything
not as the vendor writes it, such as a number in quotes or one too large for a sum, is left to the checks that say
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, NamedTuple

import orjson
from msgspec import UNSET, DecodeError, Meta, Raw, Struct, UnsetType, defstruct
from msgspec.json import Decoder

IDLE = "Accumulated Idle"
"""The name of a gap in the dominant path."""
OPS = "htp_op_instances"
"""The section of the HTP ops."""
PATH = re.compile(r"dominant_path_htp_(\d+)")
"""The section of a core's dominant path."""
_SHORT = ("htp_overall_summary", "qnn_op_types", "qnn_op_instances_nodes", "htp_op_types")
"""The sections that are not long tables."""
_CORES = 4
"""Number of cores whose sections are looked for: SoCs have up to four."""
_MOST = 10**12
"""The largest count: the counts of all rows that fit into a file then add up to less than 64 bits."""

Count = Annotated[int, Meta(ge=-_MOST, le=_MOST)]


class HtpOp(Struct, frozen=True, gc=False):
    """One HTP op on one thread. The low half of `op_id` is the number of the network's op, in network order."""

    op_id: str
    htp_op: str
    qnn_op: str
    cycles: Count
    htp: Count = 0
    tid: Count = 0
    qnn_op_type: str = ""
    dtype: str = ""
    dims: tuple[Count, ...] = ()
    input_nodes: tuple[str, ...] = ()
    start_cycle: Count = 0
    num_dominant_path_cycles: Count = 0
    fmt_change: bool | None = None
    ref_op: bool | None = None
    cycles_per_packet: float | None = None
    """None or 0 if it is not stated."""
    hmx: bool = False
    hvx: bool = False
    dma: bool = False
    dma_wait: bool = False
    dma_set: bool = False
    sync: bool = False

    @property
    def place(self) -> int | None:
        """Position of the network's op in the network; None if the id is not a number."""
        try:
            return int(self.op_id, 16) & 0xFFFFFFFF
        except ValueError:
            return None


class PathStep(Struct, frozen=True, gc=False):
    """A stretch of the dominant path: an op, or idle time."""

    htp_op: str
    dp_cycles: Count
    op_id: str = ""
    qnn_op: str = ""
    start_cycle: Count = 0
    end_cycle: Count = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is running."""
        return self.htp_op == IDLE


class _Document(Struct, gc=False):
    """The parts of a file that are read; other keys are skipped."""

    header: Raw
    data: Any
    model_id: Raw = Raw(b'""')  # never written to


class _BySection(_Document, gc=False):
    """A file with arbitrary sections."""

    data: dict[str, Raw]


_Tables = Mapping[str, tuple[Any, ...]]
_Others = Mapping[str, Raw]


class Loaded(NamedTuple):
    """A file's document, and its long tables by section. The document holds only the rows of all other sections."""

    document: Any
    tables: _Tables
    rest: bytes
    """The text of everything but these tables."""


def load(text: bytes) -> Loaded:
    """Parse the JSON of a QHAS file, whatever it contains. Raises orjson.JSONDecodeError."""
    for read in (_at_once, _by_section):
        with suppress(DecodeError, RecursionError, UnicodeDecodeError):
            return _loaded(*read(text))
    return Loaded(orjson.loads(text), {}, text)


def _at_once(text: bytes) -> tuple[_Document, _Tables, _Others]:
    """Decode a file laid out as the vendor writes it: every byte is read once, which takes two thirds of the time."""
    file = _decoder(_vendors_own()).decode(text)
    sections = {
        name: part for name in file.data.__struct_fields__ if (part := getattr(file.data, name)) is not UNSET
    }
    others = {name: sections.pop(name) for name in _SHORT if name in sections}
    return file, {name: table.data for name, table in sections.items()}, others


def _by_section(text: bytes) -> tuple[_Document, _Tables, _Others]:
    file = _decoder(_BySection).decode(text)
    tables = {name: rows for name, section in file.data.items() if (rows := _rows(name, section)) is not None}
    return file, tables, {name: section for name, section in file.data.items() if name not in tables}


def _loaded(file: _Document, tables: _Tables, others: _Others) -> Loaded:
    document = {
        "header": _value(file.header),
        "model_id": _value(file.model_id),
        "data": {name: {"data": []} for name in tables}
        | {name: _value(part) for name, part in others.items()},
    }
    return Loaded(document, tables, b" ".join(map(bytes, (file.header, file.model_id, *others.values()))))


def _rows(name: str, section: Raw) -> tuple[Any, ...] | None:
    """Return the rows of a long table; None if it is not one, or not as the vendor writes it."""
    row = HtpOp if name == OPS else PathStep if PATH.fullmatch(name) else None
    try:
        return row and _decoder(_table(row)).decode(section).data
    except (DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _value(part: Raw) -> Any:
    return orjson.loads(memoryview(part))


@cache
def _decoder(kind: Any) -> Decoder[Any]:
    return Decoder(kind)


@cache
def _table(row: type[Struct]) -> Any:
    return defstruct("Table", [("data", tuple[row, ...])])  # type: ignore[valid-type]


@cache
def _vendors_own() -> type[Struct]:
    """Build the type of a file with the vendor's sections, its long tables as rows; any other section is an error."""
    paths = [f"dominant_path_htp_{core}" for core in range(_CORES)]
    kinds = dict.fromkeys(_SHORT, Raw) | {OPS: _table(HtpOp)} | dict.fromkeys(paths, _table(PathStep))
    fields = [(name, kind | UnsetType, UNSET) for name, kind in kinds.items()]
    sections = defstruct("Sections", fields, forbid_unknown_fields=True, gc=False)
    return defstruct("File", [("data", sections)], bases=(_Document,), gc=False)
