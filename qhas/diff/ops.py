"""Ops of a network as a comparison needs them: what a QHAS file says of each, gathered from its sections."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress, repeat
from math import prod
from typing import Any

from msgspec import Struct

from qhas.profile.long_tables import HtpOp
from qhas.profile.op_names import border_name
from qhas.profile.qhas_file import QhasFile, QnnOp
from qhas.source.source_map import SourceMap


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
    ops = list({row.op_id: row for row in rows}.values())
    shapes = [op.dims for op in ops]  # one without dimensions counts as one element
    sizes = list(map(prod, shapes))
    results = _results(ops)
    format_changes, format_elements = _marked(sizes, [op.fmt_change for op in ops])
    references, reference_elements = _marked(sizes, [op.ref_op for op in ops])
    return {
        "place": min([place for op in ops if (place := op.place) is not None], default=None),
        "kinds": Counter([op.htp_op for op in ops]),
        "format_changes": format_changes,
        "reference_ops": references,
        "elements": sum(compress(sizes, results)) if results else None,
        "format_elements": format_elements,
        "reference_elements": reference_elements,
        "hmx": any(op.hmx for op in ops),
        "data_type": _data_type(compress(zip(ops, sizes, strict=True), results or repeat(True))),
        "shape": max(compress(zip(sizes, shapes, strict=True), shapes), default=(0, None))[1],
    }


def _marked(sizes: Sequence[int], marks: Sequence[bool | None]) -> tuple[int | None, int | None]:
    """How many have the mark, and their elements; None unless every one says whether it has it."""
    return (None, None) if None in marks else (marks.count(True), sum(compress(sizes, marks)))


def _data_type(compiled: Iterable[tuple[HtpOp, int]]) -> str | None:
    """The type of most of its results, by elements."""
    elements: dict[str, int] = {}
    for op, size in compiled:
        if kind := op.dtype:
            elements[kind] = elements.get(kind, 0) + size
    return max(elements, key=lambda name: (elements[name], name)) if elements else None


def _results(ops: Sequence[HtpOp]) -> Sequence[bool]:
    """Which are those whose results no other of them reads. What lies between overlaps from tile to tile; these do not.

    Empty where the file does not tell who reads what, or how large it is.
    """
    read = set[str]().union(*[op.input_nodes for op in ops])
    last = [op.op_id not in read for op in ops]
    is_stated = any(last) and (len(ops) == 1 or not all(last))
    return last if is_stated and all(op.dims for op in compress(ops, last)) else ()
