"""The long tables of a QHAS file, with thousands of rows: ops of the HTP, and stretches of the dominant path.

They are decoded as they are written, without a dict a row, which takes a third of the time and of the memory. What is not
as the vendor writes it, as a number in quotes or one that no sum should hold, is left to those who say what is wrong.
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
"""What the dominant path calls its gaps."""
OPS = "htp_op_instances"
"""The section of the ops of the HTP."""
PATH = re.compile(r"dominant_path_htp_(\d+)")
"""That of a core's dominant path."""
_SHORT = ("htp_overall_summary", "qnn_op_types", "qnn_op_instances_nodes", "htp_op_types")
"""The sections that are no long tables."""
_CORES = 4
"""Cores whose sections are looked for: SoCs have up to four."""
_MOST = 10**12
"""Counts up to it, of all rows that fit into a file, add up to less than 64 bits."""

Count = Annotated[int, Meta(ge=-_MOST, le=_MOST)]


class HtpOp(Struct, frozen=True, gc=False):
    """One HTP op on one thread. The low half of `op_id` is the number of the network's op, in the network's order."""

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
    """None or 0 where it is not told."""
    hmx: bool = False
    hvx: bool = False
    dma: bool = False
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
        """Whether nothing works."""
        return self.htp_op == IDLE


class _Document(Struct, gc=False):
    """What is read of a file, and no more: other keys are passed over."""

    header: Raw
    data: Any
    model_id: Raw = Raw(b'""')  # never written to


class _BySection(_Document, gc=False):
    """A file of any sections."""

    data: dict[str, Raw]


_Tables = Mapping[str, tuple[Any, ...]]
_Others = Mapping[str, Raw]


class Loaded(NamedTuple):
    """A file's document, and its long tables by section. The document has no rows of these, and all of every other."""

    document: Any
    tables: _Tables
    rest: bytes
    """The text of all but these tables."""


def load(text: bytes) -> Loaded:
    """The JSON of a QHAS file, whatever it says. Raises orjson.JSONDecodeError."""
    for read in (_at_once, _by_section):
        with suppress(DecodeError, RecursionError, UnicodeDecodeError):
            return _loaded(*read(text))
    return Loaded(orjson.loads(text), {}, text)


def _at_once(text: bytes) -> tuple[_Document, _Tables, _Others]:
    """Of a file as the vendor writes it: every byte is looked at once, which is two thirds of the time."""
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
    """None where it is none of these tables, or not as the vendor writes it."""
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
    """A file of the vendor's sections, its long tables as rows. One with another section is none."""
    paths = [f"dominant_path_htp_{core}" for core in range(_CORES)]
    kinds = dict.fromkeys(_SHORT, Raw) | {OPS: _table(HtpOp)} | dict.fromkeys(paths, _table(PathStep))
    fields = [(name, kind | UnsetType, UNSET) for name, kind in kinds.items()]
    sections = defstruct("Sections", fields, forbid_unknown_fields=True, gc=False)
    return defstruct("File", [("data", sections)], bases=(_Document,), gc=False)
