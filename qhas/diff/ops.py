"""Ops of a network as a comparison needs them: what a QHAS file says of each, gathered from its sections."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from msgspec import Struct

from qhas.profile.long_tables import HtpOp
from qhas.profile.op_names import border_name
from qhas.profile.qhas_file import QhasFile, QnnOp
from qhas.source.source_map import SourceMap

_Sized = tuple[HtpOp, int]
"""With the elements of its result; one without dimensions counts as one."""


class Op(Struct, frozen=True):
    """A QNN op. `dominant` is cycles of the dominant path of the core that ends last, `cycles` work on all threads, `dram`
    bytes; `place` orders the network.

    What only HTP op instances tell is None or empty where the file has none. An HTP op that ran on several threads counts
    once. How many there are follows the tiling, and so does the shape of their results; what the results add up to does
    not, so sums of elements are what is compared: of the op's own results, of format changes, of reference ops.
    """

    name: str
    type: str
    place: int | None
    dominant: int
    cycles: int
    htp_ops: int | None
    dram: int | None
    kinds: Mapping[str, int]
    """HTP ops by type."""
    format_changes: int | None = None
    reference_ops: int | None = None
    elements: int | None = None
    format_elements: int | None = None
    reference_elements: int | None = None
    hmx: bool | None = None
    data_type: str | None = None
    shape: tuple[int, ...] | None = None
    module: str | None = None
    """Path of the module that it is of, where its ONNX says so."""


def ops_of(file: QhasFile, sources: SourceMap | None = None) -> list[Op]:
    """The ops in the order of the network where the file tells it, else as listed; one for every name."""
    core = file.longest.htp
    parts: dict[tuple[str, str], list[QnnOp]] = defaultdict(list)
    for row in file.qnn_ops:
        parts[border_name(row.name), row.type].append(row)
    compiled: dict[str, list[HtpOp]] = defaultdict(list)
    for instance in file.htp_ops:
        compiled[border_name(instance.qnn_op)].append(instance)
    listed = [
        _op(
            name,
            kind,
            rows,
            core,
            module=sources.module_of(name) if sources else None,
            **_of_compiled(compiled.get(name, ())),
        )
        for (name, kind), rows in parts.items()
    ]
    return sorted(listed, key=lambda op: (op.place is None, op.place or 0))


def _op(name: str, kind: str, rows: Sequence[QnnOp], core: int, **rest: Any) -> Op:
    traffic = [dram for row in rows if (dram := row.dram) is not None]
    counts = [row.num_htp_ops for row in rows if row.num_htp_ops is not None]
    return Op(
        name=name,
        type=kind,
        dominant=sum([row.dominant.get(core, 0) for row in rows]),
        cycles=sum([row.cycles for row in rows]),
        htp_ops=sum(counts) if counts else None,
        dram=sum(traffic) if traffic else None,
        **rest,
    )


def _of_compiled(rows: Sequence[HtpOp]) -> dict[str, Any]:
    """What HTP ops tell of the op that they are of."""
    if not rows:
        return {"place": None, "kinds": {}}
    each = [(row, prod(row.dims)) for row in {row.op_id: row for row in rows}.values()]
    results = _results(each)
    format_changes = _marked(each, [row.fmt_change for row, _ in each])
    references = _marked(each, [row.ref_op for row, _ in each])
    return {
        "place": min([place for row, _ in each if (place := row.place) is not None], default=None),
        "kinds": Counter([row.htp_op for row, _ in each]),
        "format_changes": None if format_changes is None else len(format_changes),
        "reference_ops": None if references is None else len(references),
        "elements": _elements(results) if results else None,
        "format_elements": None if format_changes is None else _elements(format_changes),
        "reference_elements": None if references is None else _elements(references),
        "hmx": any(row.hmx for row, _ in each),
        "data_type": _data_type(results or each),
        "shape": max([(elements, row.dims) for row, elements in each if row.dims], default=(0, None))[1],
    }


def _marked(ops: Sequence[_Sized], marks: Sequence[bool | None]) -> list[_Sized] | None:
    """Those with the mark; None unless every one says whether it has it."""
    return None if None in marks else [op for op, mark in zip(ops, marks, strict=True) if mark]


def _data_type(compiled: Iterable[_Sized]) -> str | None:
    """The type of most of its results, by elements."""
    elements: dict[str, int] = {}
    for row, size in compiled:
        if kind := row.dtype:
            elements[kind] = elements.get(kind, 0) + size
    return max(elements, key=lambda name: (elements[name], name)) if elements else None


def _results(compiled: Sequence[_Sized]) -> Sequence[_Sized]:
    """Those whose results no other of them reads. What lies between overlaps from tile to tile; these do not.

    Empty where the file does not tell who reads what, or how large it is.
    """
    read = {source for row, _ in compiled for source in row.input_nodes}
    last = [(row, size) for row, size in compiled if row.op_id not in read]
    is_stated = len(compiled) == 1 or len(last) < len(compiled)
    return last if is_stated and all(row.dims for row, _ in last) else ()


def _elements(compiled: Iterable[_Sized]) -> int:
    return sum([size for _, size in compiled])
