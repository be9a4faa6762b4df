"""What the cycles of a thread went into: the vendor's utilisation counts waiting as use.

Told by the marks of HTP ops: a thread of the "HMX" may spend most of its used cycles on waits for DMA, and none in the
matrix engine. Cycles a packet say how well the work itself ran: the same op takes few where data are at hand and many
where it stalls.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

from qhas.profile.long_tables import HtpOp
from qhas.profile.qhas_file import QhasFile


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
    if not file.lists_htp_ops:
        return {}
    uses: defaultdict[tuple[int, int], Counter[str]] = defaultdict(Counter)
    for op in file.htp_ops:
        uses[op.htp, op.tid][_what(op)] += op.cycles
    return {thread: ThreadUse(**cycles) for thread, cycles in uses.items()}


def _what(op: HtpOp) -> str:
    if op.dma_wait or op.sync:
        return "wait"
    if op.dma_set:
        return "other"
    return "work" if not op.dma or op.hmx or op.hvx else "transfer"


def hmx_cycles(file: QhasFile) -> int | None:
    """Cycles of the ops that use the matrix engine; None where the file does not list all HTP ops."""
    return (
        sum([op.cycles for op in file.htp_ops if op.hmx and not op.dma_wait]) if file.lists_htp_ops else None
    )


def dma_wait_cycles(file: QhasFile) -> int | None:
    """Cycles of waits for DMA, over all threads; None as above."""
    return sum([op.cycles for op in file.htp_ops if op.dma_wait]) if file.lists_htp_ops else None


class Packets(NamedTuple):
    """Cycles a packet of several executions: the mean over their packets, the best and the worst."""

    mean: float
    best: float
    worst: float


def packets(ops: Iterable[HtpOp]) -> Packets | None:
    """Of those that work; None where nothing tells their packets, as a simulator does not."""
    cycles, count, best, worst = 0, 0.0, inf, 0.0
    for op in ops:
        if (rate := op.cycles_per_packet) and _what(op) == "work":
            cycles += op.cycles
            count += op.cycles / rate
            if rate < best:
                best = rate
            if rate > worst:
                worst = rate
    return Packets(cycles / count, best, worst) if count else None


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
