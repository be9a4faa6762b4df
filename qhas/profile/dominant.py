"""Which op the inference waits for, cycle by cycle, as a QHAS tells it.

A trace only tells how many cycles of an op are on the dominant path, not which; and where an op is executed several
times, the vendor's viewer writes the figures of its last execution into every one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qhas.profile.qhas_file import QhasFile


class Stretch(NamedTuple):
    """Cycles `start` to `end` belong to this op. Cycles count as in the QHAS: on devices, from when they started."""

    start: int
    end: int
    qnn_type: str
    htp_op: str
    waiting: bool
    """It is a wait or bookkeeping: nothing is computed or moved."""


def dominant_path(file: QhasFile) -> tuple[Stretch, ...]:
    """The path of the core that ends last, without its gaps; empty where the file does not tell where it ran."""
    cores = [core for core, steps in file.paths.items() if steps]
    last = file.longest.htp
    if len(file.cores) == len(cores) == 1:  # one core, whatever its sections call it
        (last,) = cores
    return tuple(_stretches(file, last))


def _stretches(file: QhasFile, core: int) -> Iterator[Stretch]:
    types = {op.name: op.type for op in file.qnn_ops}
    waits = {op.op_id for op in file.htp_ops if op.dma_wait or op.dma_set or op.sync}
    for step in file.paths.get(core, ()):
        if not step.idle and step.end_cycle > step.start_cycle:
            yield Stretch(
                step.start_cycle, step.end_cycle, types.get(step.qnn_op, ""), step.htp_op, step.op_id in waits
            )
