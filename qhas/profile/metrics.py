"""The figures of an inference: what a QHAS file says about the cold, profiled one, and the latency of the warm ones.

Cycles of ops are summed over parallel threads: work, not time. The dominant path is the critical path; ops are ranked
by it. If there are several cores, a figure of a single core is that of the core that finishes last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from pydantic import Field

from qhas.documents import Stored
from qhas.profile.op_names import of_network
from qhas.profile.qhas_file import HtpOpType, QhasFile
from qhas.profile.simulation import Simulation, simulation_of
from qhas.profile.thread_use import cycles_a_packet, dma_wait_cycles, hmx_cycles
from qhas.profile.timing import timing

TOP_OPS = 10


class OpShare(Stored):
    """An op type of the network and its share of the dominant path, in percent."""

    op: str
    cycles: int
    dominant_cycles: int
    dominant_percent: float


class Metrics(Stored):
    """Figures of the first, cold inference: times in microseconds, memory in bytes, cycles of the HTP clock."""

    time_us: float
    """A whole number if the file is no more precise; computed from cycles and clock for a simulated file."""
    graph_us: int | None = None
    """The part of it spent executing the graph; None if the file does not say."""
    timeline_cycles: int
    utilization_percent: float
    dram_read: int
    dram_write: int
    vtcm_read: int
    vtcm_write: int
    peak_vtcm: int
    qnn_nodes: int
    htp_nodes: int
    reference_ops: int | None
    """None if the file does not say, like the next field."""
    format_changes: int | None
    format_change_percent: float | None = None
    """Their share of the dominant path, in percent; the next field is that of the reference ops."""
    reference_percent: float | None = None
    hmx_cycles: int | None = None
    """Cycles of HTP ops that use the matrix engine; None if the file does not list them all, like the next field."""
    dma_wait_cycles: int | None = None
    """Cycles of waits for DMA, which the vendor's utilisation counts as use; None for simulated figures."""
    cycles_per_packet: float | None = None
    """Mean over all work; None for simulated figures."""
    context_bytes: int | None = None
    """Size of the context binary; None if the prepared DLC does not state it, or holds several graphs."""
    compile_seconds: float | None = None
    """How long this cell's own graph-prepare took on the host; None if the graph was already in the store."""
    op_counts: dict[str, int] | None = None
    """Number of ops of the network that ran on the HTP, by type; None if the file does not list all of them."""
    top_ops: list[OpShare] = []
    simulation: Simulation | None = None
    """What the simulator says about its own estimate; None for measured figures."""
    estimate: str | None = None
    """For simulated figures, whether the vendor supports them for this SoC: `supported` or `unsupported`."""
    statement: str | None = None
    """What the file itself says about where its figures come from."""

    @property
    def dram_total(self) -> int:
        """Bytes read from and written to DRAM."""
        return self.dram_read + self.dram_write


class Latency(Stored):
    """Times of single inferences in microseconds, profiling off, warm-ups excluded; raw samples in their order."""

    samples_us: list[float]
    median_us: float
    p90_us: float
    min_us: float
    warmups: int
    perf_profile: str
    source: str = Field(description="Which figure of which SDK file the samples were read from.")


def metrics_of(file: QhasFile) -> Metrics:
    """Return the figures of the whole inference: traffic and HTP nodes are summed over the cores, peaks are maxima."""
    last = file.longest
    return Metrics(
        time_us=round(timing(file).time, 2),
        graph_us=last.graph_execute_us,
        timeline_cycles=last.timeline_cycles,
        utilization_percent=last.percent_utilization,
        dram_read=sum(core.total_dram_read for core in file.cores),
        dram_write=sum(core.total_dram_write for core in file.cores),
        vtcm_read=sum(core.total_vtcm_read for core in file.cores),
        vtcm_write=sum(core.total_vtcm_write for core in file.cores),
        peak_vtcm=max(core.peak_vtcm_alloc for core in file.cores),
        qnn_nodes=last.qnn_nodes,
        htp_nodes=sum(core.htp_nodes for core in file.cores),
        reference_ops=_instances(file, lambda op: op.reference_op),
        format_changes=_instances(file, lambda op: op.format_change),
        format_change_percent=_share(file, lambda op: op.format_change),
        reference_percent=_share(file, lambda op: op.reference_op),
        hmx_cycles=hmx_cycles(file),
        dma_wait_cycles=None if file.simulated else dma_wait_cycles(file),
        cycles_per_packet=cycles_a_packet(file),
        op_counts=_op_counts(file),
        top_ops=sorted(_shares(file), key=lambda share: (-share.dominant_cycles, share.op))[:TOP_OPS],
        simulation=simulation_of(file),
        estimate=file.estimate,
        statement=file.statement,
    )


def _op_counts(file: QhasFile) -> dict[str, int] | None:
    if len(file.qnn_ops) < file.counted("qnn_nodes"):
        return None
    return dict(Counter(op.type for op in file.qnn_ops if of_network(op.type))) or None


def _instances(file: QhasFile, mark: Callable[[HtpOpType], bool | None]) -> int | None:
    """Count the HTP ops that have the mark; None unless every type is listed and says whether it has it."""
    types = file.htp_op_types
    complete = types and len(types) >= file.counted("unique_htp_ops") and None not in map(mark, types)
    return sum(op.instances for op in types if mark(op)) if complete else None


def _share(file: QhasFile, mark: Callable[[HtpOpType], bool | None]) -> float | None:
    """Return the percentage of the dominant path taken by HTP ops with the mark; None if the file does not say."""
    last, types = file.longest, file.htp_op_types
    busy = last.timeline_cycles * (1 - last.percent_idle / 100)
    if _instances(file, mark) is None or busy <= 0 or not all(last.htp in op.dominant for op in types):
        return None
    shares = [(op.dominant_percent.get(last.htp), op.dominant[last.htp]) for op in types if mark(op)]
    return sum(100 * cycles / busy if percent is None else percent for percent, cycles in shares)


def _shares(file: QhasFile) -> Iterator[OpShare]:
    """Yield the op types whose share the file states."""
    core = file.longest.htp
    for row in file.qnn_op_types:
        if core in row.dominant and core in row.dominant_percent:
            yield OpShare(
                op=row.op,
                cycles=row.cycles,
                dominant_cycles=row.dominant[core],
                dominant_percent=row.dominant_percent[core],
            )
