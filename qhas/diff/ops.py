"""Ops of a network as a comparison needs them: what a QHAS file says of each, gathered from its sections."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qhas.qhas_file import HtpOp, QhasFile, QnnOp


@dataclass(frozen=True)
class Op:
    """A QNN op. What only HTP op instances tell is None or empty where the file has none.

    `dominant` is cycles of the dominant path of the core that ends last, `cycles` work on all threads, `dram` bytes.
    `kinds` counts HTP ops by type; `place` orders the network.
    """

    name: str
    type: str
    place: int | None
    dominant: int
    cycles: int
    htp_ops: int | None
    dram: int | None
    kinds: Counter[str]
    format_changes: int | None = None
    reference_ops: int | None = None
    hmx: bool | None = None
    data_type: str | None = None
    shape: tuple[int, ...] | None = None


def ops_of(file: QhasFile) -> list[Op]:
    """The ops in the order of the network where the file tells it, else as listed; one for every name."""
    core = file.longest.htp
    parts: dict[tuple[str, str], list[QnnOp]] = defaultdict(list)
    for row in file.qnn_ops:
        parts[row.name, row.type].append(row)
    compiled: dict[str, list[HtpOp]] = defaultdict(list)
    for instance in file.htp_ops:
        compiled[instance.qnn_op].append(instance)
    found = [_op(name, kind, rows, compiled.get(name, []), core) for (name, kind), rows in parts.items()]
    return sorted(found, key=lambda op: (op.place is None, op.place or 0))


def _op(name: str, kind: str, rows: Sequence[QnnOp], compiled: Sequence[HtpOp], core: int) -> Op:
    traffic = [row.dram for row in rows if row.dram is not None]
    counts = [row.num_htp_ops for row in rows if row.num_htp_ops is not None]
    start = Op(
        name=name,
        type=kind,
        place=None,
        dominant=sum(row.dominant.get(core, 0) for row in rows),
        cycles=sum(row.cycles for row in rows),
        htp_ops=sum(counts) if counts else None,
        dram=sum(traffic) if traffic else None,
        kinds=Counter(),
    )
    return _with_compiled(start, compiled) if compiled else start


def _with_compiled(op: Op, compiled: Sequence[HtpOp]) -> Op:
    """An HTP op that ran on several threads has several rows, and counts once."""
    each = {row.op_id: row for row in compiled}.values()
    places = [row.place for row in each if row.place is not None]
    return Op(
        name=op.name,
        type=op.type,
        place=min(places, default=None),
        dominant=op.dominant,
        cycles=op.cycles,
        htp_ops=op.htp_ops,
        dram=op.dram,
        kinds=Counter(row.htp_op for row in each),
        format_changes=sum(row.fmt_change for row in each),
        reference_ops=sum(row.ref_op for row in each),
        hmx=any(row.hmx for row in each),
        data_type=_data_type(each),
        shape=_shape(each),
    )


def _data_type(compiled: Iterable[HtpOp]) -> str | None:
    """The type of most of its results, by elements."""
    elements: Counter[str] = Counter()
    for row in compiled:
        if row.dtype:
            elements[row.dtype] += _volume(row.dims)
    return max(elements, key=lambda name: (elements[name], name)) if elements else None


def _shape(compiled: Iterable[HtpOp]) -> tuple[int, ...] | None:
    """The largest of its results: tiles of one op are smaller than the whole, never larger."""
    return max(
        (row.dims for row in compiled if row.dims), key=lambda dims: (_volume(dims), dims), default=None
    )


@lru_cache(1 << 12)
def _volume(dims: tuple[int, ...]) -> int:
    """Kept, because the tiles of a network have few shapes."""
    return math.prod(max(size, 1) for size in dims)
