"""Ops of a network as a comparison needs them: what a QHAS file says about each, across its sections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain, compress, repeat
from math import prod
from typing import Any

from msgspec import Struct

from qhas.profile.long_tables import HtpOp
from qhas.profile.op_names import border_name
from qhas.profile.qhas_file import QhasFile, QnnOp
from qhas.source.source_map import SourceMap


class Op(Struct, frozen=True):
    """A QNN op. `dominant` is cycles on the dominant path of the core that ends last, `cycles` work on all threads,
    `dram` bytes; `place` orders the network.

    What only HTP op instances show is None or empty if the file has none. An HTP op that ran on several threads counts
    once. The number of HTP ops and the shape of their results depend on tiling; the total size of the results does
    not, so sums of elements are compared: of the op's own results, of format changes, of reference ops.
    """

    name: str
    type: str
    place: int | None
    dominant: int
    cycles: int
    htp_ops: int | None
    dram: int | None
    kinds: Mapping[str, int]
    """Number of HTP ops by type."""
    format_changes: int | None = None
    reference_ops: int | None = None
    elements: int | None = None
    format_elements: int | None = None
    reference_elements: int | None = None
    hmx: bool | None = None
    data_type: str | None = None
    shape: tuple[int, ...] | None = None
    module: str | None = None
    """Path of the module it belongs to, if its ONNX says so."""


def ops_of(file: QhasFile, sources: SourceMap | None = None) -> list[Op]:
    """Return the ops in network order if the file has it, else as listed; one for each name and type."""
    core = file.longest.htp
    parts: dict[tuple[str, str], list[QnnOp]] = defaultdict(list)
    for row in file.qnn_ops:
        parts[border_name(row.name), row.type].append(row)
    listed = [
        _op(
            name,
            kind,
            rows,
            core,
            module=sources.module_of(name) if sources else None,
            **_of_compiled(file.compiled.get(name, ())),
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
    """Return what HTP ops show about the QNN op they belong to."""
    if not rows:
        return {"place": None, "kinds": {}}
    ops = {row.op_id: row for row in rows}
    columns = [
        (op.dims, op.input_nodes, op.fmt_change, op.ref_op, op.htp_op, op.hmx, op.dtype)
        for op in ops.values()
    ]
    shapes, inputs, changes, references, types, hmx, data_types = zip(*columns, strict=True)
    sizes = list(map(prod, shapes))  # no dimensions count as one element
    results = _results(ops.keys(), shapes, inputs)
    format_changes, format_elements = _marked(sizes, changes)
    reference_ops, reference_elements = _marked(sizes, references)
    return {
        "place": min([place for op in ops.values() if (place := op.place) is not None], default=None),
        "kinds": _counts(types),
        "format_changes": format_changes,
        "reference_ops": reference_ops,
        "elements": sum(compress(sizes, results)) if results else None,
        "format_elements": format_elements,
        "reference_elements": reference_elements,
        "hmx": any(hmx),
        "data_type": _data_type(data_types, sizes, results),
        "shape": max(compress(zip(sizes, shapes, strict=True), shapes), default=(0, None))[1],
    }


def _counts(types: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind in types:  # creating a Counter takes longer than counting a dozen
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def _marked(sizes: Sequence[int], marks: Sequence[bool | None]) -> tuple[int | None, int | None]:
    """Count the marked ops and their elements; None unless every op states whether it is marked."""
    return (None, None) if None in marks else (marks.count(True), sum(compress(sizes, marks)))


def _data_type(types: Sequence[str], sizes: Sequence[int], results: Sequence[bool]) -> str | None:
    """Return the type of most of the op's results, by number of elements."""
    if types.count(types[0]) == len(types):
        return types[0] or None
    elements: dict[str, int] = {}
    for kind, size in compress(zip(types, sizes, strict=True), results or repeat(True)):
        if kind:
            elements[kind] = elements.get(kind, 0) + size
    return max(elements, key=lambda name: (elements[name], name)) if elements else None


def _results(
    ids: Set[str], shapes: Iterable[tuple[int, ...]], inputs: Iterable[tuple[str, ...]]
) -> Sequence[bool]:
    """Mark the HTP ops whose results no other one reads: intermediate results overlap between tiles, these do not.

    Empty if the file does not state which op reads what, or how large it is.
    """
    read = set(chain.from_iterable(inputs))
    if len(ids) > 1 and read.isdisjoint(ids):
        return ()
    last = [op not in read for op in ids]
    return last if any(last) and all(compress(shapes, last)) else ()
