"""What to know about a QHAS file: which cores its figures cover, what it omits, whether a trace belongs to it."""

from __future__ import annotations

from collections.abc import Iterator

from qhas.profile.qhas_file import QhasFile
from qhas.profile.runtrace import Runtrace
from qhas.units import count

_ASTRAY_SHARE = 0.10
_ASTRAY_US = 2.0
"""A QHAS truncates its times to whole microseconds."""
_ASTRAY_CYCLES = 20_000
"""A device's QHAS omits the graph's start and end, up to 6,100 cycles in the files that were seen."""


def notes(file: QhasFile) -> list[str]:
    """Return sentences without subject and full stop, as in `covers HTP core 1 only`."""
    return [*_of_cores(file), *_of_lists(file), *_of_marks(file)]


def _of_cores(file: QhasFile) -> Iterator[str]:
    last = file.longest.htp
    if len(file.cores) > 1:
        yield (
            f"covers {len(file.cores)} HTP cores: times, utilisation and the dominant path are those of core {last}, which "
            "finishes last; traffic and HTP nodes are summed"
        )
    elif last:
        yield f"covers HTP core {last} only"


def _of_lists(file: QhasFile) -> Iterator[str]:
    short = [
        f"{len(rows)} of {count(total)} {what}"
        for what, rows, total in (
            ("op types", file.qnn_op_types, file.counted("unique_qnn_ops")),
            ("ops", file.qnn_ops, file.counted("qnn_nodes")),
            ("HTP op types", file.htp_op_types, file.counted("unique_htp_ops")),
        )
        if 0 < len(rows) < total
    ]
    if short:
        yield f"lists only {', '.join(short)}; the others appear only in the totals"


def _of_marks(file: QhasFile) -> Iterator[str]:
    types = file.htp_op_types
    absent = [
        what
        for what, marks in (
            ("reference implementations", [op.reference_op for op in types]),
            ("format changes", [op.format_change for op in types]),
        )
        if None in marks
    ]
    if absent:
        yield f"does not state which HTP ops are {' or '.join(absent)}"


def of_one_graph(end_cycle: int, file: QhasFile) -> bool:
    """Whether a trace that ends at this cycle can be of the same inference as this file."""
    cycles = file.longest.timeline_cycles
    return abs(end_cycle - cycles) <= max(_ASTRAY_CYCLES, _ASTRAY_SHARE * cycles)


def of_one_inference(runtrace: Runtrace, file: QhasFile) -> bool:
    """Whether the first inference of a runtrace can be the one this file describes."""
    execute_us, graph_us = file.longest.graph_execute_us, runtrace.graph_us
    if execute_us is None or graph_us is None:
        return True
    return abs(graph_us - execute_us) <= max(_ASTRAY_US, _ASTRAY_SHARE * execute_us)
