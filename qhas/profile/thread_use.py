"""What the cycles of a thread went into: the vendor's utilisation counts waiting as use.

Told by the marks of HTP ops: a thread of the "HMX" may spend most of its used cycles on waits for DMA, and none in the
matrix engine. Cycles a packet say how well the work itself ran: the same op takes few where data are at hand and many
where it stalls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from qhas.profile.qhas_file import HtpOp, QhasFile

_WHOLE = 0.99
"""Of the cycles of the threads; with less, the file does not list all HTP ops."""


class ThreadUse(NamedTuple):
    """Cycles of one thread by what they went into; bookkeeping, as notes of finished transfers, is `other`."""

    work: int = 0
    transfer: int = 0
    """Setting up and running DMA."""
    wait: int = 0
    """Waits, for DMA or for other threads."""
    other: int = 0


def thread_use(file: QhasFile) -> dict[tuple[int, int], ThreadUse]:
    """By core and thread; empty where the file does not list all HTP ops."""
    if not lists_all(file):
        return {}
    uses: defaultdict[tuple[int, int], ThreadUse] = defaultdict(ThreadUse)
    for op in file.htp_ops:
        use, what = uses[op.htp, op.tid], _what(op)
        uses[op.htp, op.tid] = use._replace(**{what: getattr(use, what) + op.cycles})
    return dict(uses)


def _what(op: HtpOp) -> str:
    if op.dma_wait or op.sync:
        return "wait"
    if op.dma_set:
        return "other"
    return "transfer" if op.dma and not (op.hmx or op.hvx) else "work"


def lists_all(file: QhasFile) -> bool:
    """Whether the cycles of its HTP ops are those of its threads."""
    used = sum(row.cycles_used for core in file.cores for row in core.resources)
    return bool(file.htp_ops) and sum(op.cycles for op in file.htp_ops) >= _WHOLE * used


def hmx_cycles(file: QhasFile) -> int | None:
    """Cycles of the ops that use the matrix engine; None where the file does not list all HTP ops."""
    return sum(op.cycles for op in file.htp_ops if op.hmx and not op.dma_wait) if lists_all(file) else None


def dma_wait_cycles(file: QhasFile) -> int | None:
    """Cycles of waits for DMA, over all threads; None as above."""
    return sum(op.cycles for op in file.htp_ops if op.dma_wait) if lists_all(file) else None


class Packets(NamedTuple):
    """Cycles a packet of several executions: the mean over their packets, the best and the worst."""

    mean: float
    best: float
    worst: float


def packets(ops: Iterable[HtpOp]) -> Packets | None:
    """Of those that work; None where nothing tells their packets, as a simulator does not."""
    rates = [(op.cycles, op.cycles_per_packet) for op in ops if op.cycles_per_packet and _what(op) == "work"]
    count = sum(cycles / rate for cycles, rate in rates)
    if not count:
        return None
    return Packets(
        sum(cycles for cycles, _ in rates) / count,
        min(rate for _, rate in rates),
        max(rate for _, rate in rates),
    )


def cycles_a_packet(file: QhasFile) -> float | None:
    """Mean of all work."""
    rates = packets(file.htp_ops)
    return rates.mean if rates else None


def by_htp_op(file: QhasFile) -> Iterator[tuple[str, Packets]]:
    """Of every type of HTP op whose packets are told."""
    groups: defaultdict[str, list[HtpOp]] = defaultdict(list)
    for op in file.htp_ops:
        groups[op.htp_op].append(op)
    for name, ops in groups.items():
        if rates := packets(ops):
            yield name, rates
