"""Which op the inference is waiting for, cycle by cycle, according to the QHAS.

A trace only states how many cycles of an op are on the dominant path, not which ones; and if an op is executed several
times, the vendor's viewer writes the figures of its last execution into every one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from qhas.profile.qhas_file import QhasFile


class Stretch(NamedTuple):
    """The cycles of one op, from `start` to `end`. Counted as in the QHAS: on devices, since the device started."""

    start: int
    end: int
    qnn_type: str
    htp_op: str
    waiting: bool
    """Whether it is a wait or bookkeeping: nothing is computed or moved."""


def dominant_path(file: QhasFile) -> tuple[Stretch, ...]:
    """Return the path of the core that finishes last, without gaps; empty if the file does not say where it ran."""
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
