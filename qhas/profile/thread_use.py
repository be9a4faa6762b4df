"""What the cycles of a thread were spent on: the vendor's utilisation counts waiting as use.

The marks of HTP ops show it: a thread of the "HMX" may spend most of its used cycles waiting for DMA, and none in the
matrix engine. Cycles per packet show how well the work itself ran: the same op takes few if its data is at hand and
many if it stalls.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import inf
from typing import NamedTuple

from qhas.profile.long_tables import HtpOp
from qhas.profile.qhas_file import QhasFile


class ThreadUse(NamedTuple):
    """Cycles of one thread by what they were spent on; bookkeeping, such as marking transfers as done, is `other`."""

    work: int = 0
    transfer: int = 0
    """Setting up and running DMA."""
    wait: int = 0
    """Waiting for DMA or for other threads."""
    other: int = 0


def thread_use(file: QhasFile) -> dict[tuple[int, int], ThreadUse]:
    """Return the use of threads, by core and thread; empty if the file does not list all HTP ops."""
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
    """Return the cycles of the ops that use the matrix engine; None if the file does not list all HTP ops."""
    return (
        sum([op.cycles for op in file.htp_ops if op.hmx and not op.dma_wait]) if file.lists_htp_ops else None
    )


def dma_wait_cycles(file: QhasFile) -> int | None:
    """Return the cycles of waits for DMA over all threads; None if the file does not list all HTP ops."""
    return sum([op.cycles for op in file.htp_ops if op.dma_wait]) if file.lists_htp_ops else None


class Packets(NamedTuple):
    """Cycles per packet of several executions: the mean over their packets, the best and the worst."""

    mean: float
    best: float
    worst: float


def packets(ops: Iterable[HtpOp]) -> Packets | None:
    """Return the cycles per packet of the ops that work; None if none states its packets, as with a simulator."""
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
    """Return the mean cycles per packet of all work; None if no op states its packets."""
    rates = packets(file.htp_ops)
    return rates.mean if rates else None


def by_htp_op(file: QhasFile) -> Iterator[tuple[str, Packets]]:
    """Yield the cycles per packet of every type of HTP op that states its packets."""
    groups: defaultdict[str, list[HtpOp]] = defaultdict(list)
    for op in file.htp_ops:
        groups[op.htp_op].append(op)
    for name, ops in groups.items():
        if rates := packets(ops):
            yield name, rates
