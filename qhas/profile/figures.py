"""The table of all figures of a cell: what each is called, how it is read, and where it is used.

The columns of the history, verdicts, budgets, comparisons, the report's tiles, the terminal's titles and the payload of
events are built from it. Add a figure here, and what it is read from to `Metrics`. Stored names are never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qhas import units
from qhas.profile.accuracy_figures import ACCURACY_INPUTS as ACCURACY_INPUTS
from qhas.profile.accuracy_figures import COSINE as COSINE
from qhas.profile.accuracy_figures import MAX_ERROR as MAX_ERROR
from qhas.profile.accuracy_figures import SQNR as SQNR
from qhas.profile.accuracy_figures import TOP_1 as TOP_1
from qhas.profile.accuracy_figures import TOP_5 as TOP_5
from qhas.profile.figure import (
    BOTH,
    MEASURED,
    SIMULATED,
    ByOrigin,
)
from qhas.profile.figure import SHOW as SHOW
from qhas.profile.figure import Figure as Figure
from qhas.profile.figure import Profile as Profile
from qhas.profile.figure import Profiled as Profiled
from qhas.profile.figure import Unit as Unit
from qhas.profile.language_figures import LANGUAGE_FIGURES
from qhas.profile.metrics import Latency, Metrics
from qhas.profile.origin import Origin
from qhas.profile.runtrace import Runtrace
from qhas.profile.timing import stated_clock_mhz, timing

_TELLING = 0.05
"""The relative change that is worth mentioning."""
_TELLING_BYTES = 4096.0


def _latency(read: Callable[[Latency], float]) -> Callable[[Profiled], float | None]:
    return lambda profiled: read(profiled.latency) if profiled.latency else None


def _metric(read: Callable[[Metrics], float | None]) -> Callable[[Profiled], float | None]:
    return lambda profiled: read(profiled.metrics) if profiled.metrics else None


def _runtrace(read: Callable[[Runtrace], float | None]) -> Callable[[Profiled], float | None]:
    return lambda profiled: read(profiled.runtrace) if profiled.runtrace else None


def _graph(profiled: Profiled) -> float | None:
    """Return the graph time from the QHAS, in whole microseconds; otherwise from the runtrace."""
    graph_us = profiled.metrics.graph_us if profiled.metrics else None
    return graph_us if graph_us is not None or not profiled.runtrace else profiled.runtrace.graph_us


def _in_files_only(_: Profiled) -> None:
    return None


LATENCY = Figure(
    name="latency_us",
    title="median latency",
    short="median",
    words="latency",
    unit=Unit.MICROSECONDS,
    read=_latency(lambda latency: latency.median_us),
    meaning="Median latency, profiling off; devices only.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    judged=MEASURED,
    weight=2,
    column="median_us",
    budget="latency_us",
    event="latency_median_us",
    tile=True,
)
P90 = Figure(
    name="p90_us",
    title="p90",
    unit=Unit.MICROSECONDS,
    read=_latency(lambda latency: latency.p90_us),
    meaning="90th percentile of the latency, nearest rank.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="p90_us",
    tile=True,
)
FASTEST = Figure(
    name="min_us",
    title="fastest",
    unit=Unit.MICROSECONDS,
    read=_latency(lambda latency: latency.min_us),
    meaning="Fastest inference of the latency's samples.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="min_us",
    tile=True,
)
TIME = Figure(
    name="time_us",
    title=ByOrigin("QHAS time (first, cold, profiled)", "estimated time"),
    short=ByOrigin("QHAS cold", "est. time"),
    unit=Unit.MICROSECONDS,
    read=_metric(lambda metrics: metrics.time_us),
    meaning="QHAS time, of the first, cold inference.",
    whole=False,
    judged=SIMULATED,
    weight=2,
    column="time_us",
    budget="time_us",
    event="qhas_time_us",
    tile=True,
    compared=True,
    of_file=lambda file: timing(file).time,
)
GRAPH = Figure(
    name="graph_us",
    title="graph (first, cold)",
    short="graph cold",
    words="graph time, cold",
    unit=Unit.MICROSECONDS,
    read=_graph,
    meaning="The graph's own time in the first, cold inference: without power-up, VTCM acquire and the call.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="graph_us",
    budget="graph_us",
    tile=True,
    compared=True,
)
WARM = Figure(
    name="warm_us",
    title="graph (warm, profiled)",
    short="graph warm",
    words="graph time, warm",
    unit=Unit.MICROSECONDS,
    read=_runtrace(lambda runtrace: runtrace.warm_us),
    meaning="The graph's own time in the warm inferences of the runtrace, their median; they are profiled and few, so it is not a latency.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="warm_us",
    budget="warm_us",
    tile=True,
    compared=True,
)
VTCM_ACQUIRE = Figure(
    name="vtcm_acquire_us",
    title="VTCM acquire (first, cold)",
    short="VTCM acquire",
    unit=Unit.MICROSECONDS,
    read=_runtrace(lambda runtrace: runtrace.vtcm_acquire_us),
    meaning="Wait for VTCM before the first inference; varies between runs and affects no verdict.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="vtcm_acquire_us",
    compared=True,
)
POWER_UP = Figure(
    name="power_up_us",
    title="power-up (first, cold)",
    short="power-up",
    unit=Unit.MICROSECONDS,
    read=_runtrace(lambda runtrace: runtrace.power_on_us),
    meaning="Power-up before the first inference; varies between runs and affects no verdict.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="power_up_us",
    compared=True,
)
CYCLES = Figure(
    name="timeline_cycles",
    title="timeline, cycles",
    words=ByOrigin("cycles", "simulated cycles"),
    unit=Unit.CYCLES,
    read=_metric(lambda metrics: metrics.timeline_cycles),
    meaning="Cycles of the timeline.",
    judged=SIMULATED,
    weight=2,
    column="timeline_cycles",
    budget="cycles",
    tile=True,
    compared=True,
)
IDLE = Figure(
    name="idle_cycles",
    title="idle cycles",
    unit=Unit.CYCLES,
    read=_in_files_only,
    meaning="Cycles in which no op runs.",
    compared=True,
    of_file=lambda file: file.idle,
)
CLOCK = Figure(
    name="clock_mhz",
    title="clock",
    unit=Unit.MEGAHERTZ,
    read=_runtrace(lambda runtrace: runtrace.clock_mhz),
    meaning="Clock while the graph of the first, cold inference ran: according to the runtrace or a simulated file.",
    whole=False,
    noisy=True,
    less_is_better=None,
    column="clock_mhz",
    tile=True,
    compared=True,
    of_file=stated_clock_mhz,
)
WARM_CLOCK = Figure(
    name="warm_clock_mhz",
    title="clock, warm",
    unit=Unit.MEGAHERTZ,
    read=_runtrace(lambda runtrace: runtrace.warm_clock_mhz),
    meaning="Clock while the graph of the warm inferences ran, their median, according to the runtrace.",
    whole=False,
    noisy=True,
    less_is_better=None,
    origins=MEASURED,
    column="warm_clock_mhz",
    compared=True,
)
WORK = Figure(
    name="work_cycles",
    title="work, all threads",
    words="cycles of work",
    unit=Unit.CYCLES,
    read=_in_files_only,
    meaning="Cycles of the ops, summed over parallel threads: how much was done, not how long it took.",
    compared=True,
    of_file=lambda file: sum(op.cycles for op in file.qnn_ops) or None,
)
UTILIZATION = Figure(
    name="utilization_percent",
    title="utilisation",
    short="util.",
    unit=Unit.PERCENT,
    read=_metric(lambda metrics: metrics.utilization_percent),
    meaning="HTP utilisation in the first, cold inference.",
    whole=False,
    less_is_better=None,
    column="utilization_percent",
    tile=True,
)
DRAM = Figure(
    name="total_dram",
    title="DRAM",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.dram_total),
    meaning="Bytes read from and written to DRAM.",
    budget="total_dram",
    event="dram_bytes",
)
DRAM_READ = Figure(
    name="dram_read",
    title="DRAM read",
    words="DRAM reads",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.dram_read),
    meaning="Bytes read from DRAM.",
    judged=BOTH,
    column="dram_read",
    budget="dram_read",
    tile=True,
    compared=True,
    telling=_TELLING,
    telling_at_least=_TELLING_BYTES,
)
DRAM_WRITE = Figure(
    name="dram_write",
    title="DRAM written",
    words="DRAM writes",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.dram_write),
    meaning="Bytes written to DRAM.",
    judged=BOTH,
    column="dram_write",
    budget="dram_write",
    tile=True,
    compared=True,
    telling=_TELLING,
    telling_at_least=_TELLING_BYTES,
)
VTCM_READ = Figure(
    name="vtcm_read",
    title="VTCM read",
    words="VTCM reads",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.vtcm_read),
    meaning="Bytes read from VTCM.",
    less_is_better=None,
    column="vtcm_read",
    compared=True,
)
VTCM_WRITE = Figure(
    name="vtcm_write",
    title="VTCM written",
    words="VTCM writes",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.vtcm_write),
    meaning="Bytes written to VTCM.",
    less_is_better=None,
    column="vtcm_write",
    compared=True,
)
PEAK_VTCM = Figure(
    name="peak_vtcm",
    title="peak VTCM",
    short="VTCM",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.peak_vtcm),
    meaning="Largest number of bytes of VTCM in use at once.",
    less_is_better=None,
    judged=BOTH,
    column="peak_vtcm",
    budget="peak_vtcm",
    tile=True,
    compared=True,
    telling=0.25,
    telling_at_least=_TELLING_BYTES,
    show=units.mebibytes,
)
QNN_NODES = Figure(
    name="qnn_nodes",
    title="QNN nodes",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.qnn_nodes),
    meaning="Ops of the network that ran on the HTP.",
    less_is_better=None,
    judged=BOTH,
    column="qnn_nodes",
    budget="qnn_nodes",
    tile=True,
    compared=True,
)
HTP_NODES = Figure(
    name="htp_nodes",
    title="HTP nodes",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.htp_nodes),
    meaning="HTP ops they became.",
    less_is_better=None,
    judged=BOTH,
    column="htp_nodes",
    budget="htp_nodes",
    tile=True,
    compared=True,
)
CONTEXT = Figure(
    name="context_bytes",
    title="context binary",
    unit=Unit.BYTES,
    read=_metric(lambda metrics: metrics.context_bytes),
    meaning="Size of the compiled network, as the prepared DLC states it.",
    judged=BOTH,
    column="context_bytes",
    budget="context_bytes",
)
COMPILE = Figure(
    name="compile_seconds",
    title="compile time",
    unit=Unit.SECONDS,
    read=_metric(lambda metrics: metrics.compile_seconds),
    meaning="Seconds that graph-prepare took on the host, subject to its other load; none if the graph was in the store.",
    whole=False,
    noisy=True,
    column="compile_seconds",
    budget="compile_seconds",
)
REFERENCE_OPS = Figure(
    name="reference_ops",
    title="reference ops",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.reference_ops),
    meaning="HTP ops that are slow reference implementations.",
    judged=BOTH,
    weight=1,
    column="reference_ops",
    budget="reference_ops",
    tile=True,
    compared=True,
    telling=_TELLING,
)
FORMAT_CHANGES = Figure(
    name="format_changes",
    title="format changes",
    unit=Unit.COUNT,
    read=_metric(lambda metrics: metrics.format_changes),
    meaning="HTP ops that only change the memory format.",
    judged=BOTH,
    weight=1,
    column="format_changes",
    budget="format_changes",
    tile=True,
    compared=True,
    telling=_TELLING,
)
FORMAT_CHANGE_SHARE = Figure(
    name="format_change_percent",
    title="format changes, of the path",
    unit=Unit.PERCENT,
    read=_metric(lambda metrics: metrics.format_change_percent),
    meaning="Share of the dominant path of HTP ops that only change the memory format.",
    whole=False,
    noisy=True,
    column="format_change_percent",
    budget="format_change_percent",
    tile=True,
    compared=True,
)
REFERENCE_SHARE = Figure(
    name="reference_percent",
    title="reference ops, of the path",
    unit=Unit.PERCENT,
    read=_metric(lambda metrics: metrics.reference_percent),
    meaning="Share of the dominant path of HTP ops that are slow reference implementations.",
    whole=False,
    noisy=True,
    column="reference_percent",
    budget="reference_percent",
    tile=True,
    compared=True,
)
HMX_WORK = Figure(
    name="hmx_cycles",
    title="HMX work, cycles",
    unit=Unit.CYCLES,
    read=_metric(lambda metrics: metrics.hmx_cycles),
    meaning="Cycles of HTP ops that use the matrix engine; a thread of the HMX also waits and copies.",
    noisy=True,
    less_is_better=None,
    column="hmx_cycles",
    compared=True,
)
DMA_WAIT = Figure(
    name="dma_wait_cycles",
    title="waits for DMA, cycles",
    words="cycles of waits for DMA",
    unit=Unit.CYCLES,
    read=_metric(lambda metrics: metrics.dma_wait_cycles),
    meaning="Cycles of waits for DMA over all threads, which the vendor's utilisation counts as use.",
    noisy=True,
    origins=MEASURED,
    column="dma_wait_cycles",
    tile=True,
    compared=True,
)
PACKET = Figure(
    name="cycles_per_packet",
    title="cycles a packet",
    unit=Unit.CYCLES_A_PACKET,
    read=_metric(lambda metrics: metrics.cycles_per_packet),
    meaning="Cycles per packet over all work: high if it stalls.",
    whole=False,
    noisy=True,
    origins=MEASURED,
    column="cycles_per_packet",
    tile=True,
    compared=True,
)
FIGURES: tuple[Figure, ...] = (
    LATENCY,
    P90,
    FASTEST,
    TIME,
    GRAPH,
    WARM,
    VTCM_ACQUIRE,
    POWER_UP,
    CYCLES,
    IDLE,
    CLOCK,
    WARM_CLOCK,
    WORK,
    UTILIZATION,
    DRAM,
    DRAM_READ,
    DRAM_WRITE,
    VTCM_READ,
    VTCM_WRITE,
    PEAK_VTCM,
    QNN_NODES,
    HTP_NODES,
    CONTEXT,
    COMPILE,
    REFERENCE_OPS,
    FORMAT_CHANGES,
    FORMAT_CHANGE_SHARE,
    REFERENCE_SHARE,
    HMX_WORK,
    DMA_WAIT,
    PACKET,
    COSINE,
    SQNR,
    MAX_ERROR,
    TOP_1,
    TOP_5,
    ACCURACY_INPUTS,
    *LANGUAGE_FIGURES,
)
"""All figures, in the order in which they are shown."""


def _keyed(keys: Iterable[tuple[str, Figure]]) -> dict[str, Figure]:
    return {key: figure for key, figure in keys if key}


BY_NAME = _keyed((figure.name, figure) for figure in FIGURES)
BY_COLUMN = _keyed((figure.column, figure) for figure in FIGURES)
BY_BUDGET_KEY = _keyed((figure.budget, figure) for figure in FIGURES)
BY_EVENT_KEY = _keyed((figure.event, figure) for figure in FIGURES)
JUDGED = {
    column: figure
    for column, figure in sorted(BY_COLUMN.items(), key=lambda item: -item[1].weight)
    if figure.judged
}
"""The judged figures by column, those of the greatest weight first."""
HEADLINE = {Origin.DEVICE: LATENCY, Origin.SIMULATOR: TIME}
"""The figure to look at first, by origin."""
