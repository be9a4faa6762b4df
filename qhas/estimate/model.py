"""An estimate as the host SDK's `hostsdk-estimate` reports it and the store keeps it. All figures are simulated."""

from __future__ import annotations

from pydantic import ConfigDict

from qhas.documents import Stored

_DOUBLE_DATA_RATE = 2


class OpEstimate(Stored):
    """All ops of one QNN node and HTP op on one unit that own cycles of the dominant path, and the bytes they move.

    The row without a name is the time in which nothing works.
    """

    model_config = ConfigDict(frozen=True)

    htp_op: str
    unit: str
    """HMX, HVX, HLX, SCALAR or DMA; empty if nothing works."""
    node: str
    type: str
    dtype: str
    dims: tuple[int, ...]
    instances: int
    """The number of HTP ops that the node has here: tiles of the tensor."""
    cycles: int
    """Cycles over all threads and instances."""
    busy: int
    """Cycles in which at least one instance is at work."""
    dominant: int
    """Cycles of the dominant path that belong to these ops."""
    dram_read: int
    dram_write: int
    vtcm_read: int
    vtcm_write: int


class GraphEstimate(Stored):
    """The estimate of one graph.

    Cycles are those of the core clock, and bytes are those that ops move. None means that the simulator did not report
    it.
    """

    model_config = ConfigDict(frozen=True)

    graph: str
    cycles: int
    core_mhz: float
    lower_cycles: int | None = None
    upper_cycles: int | None = None
    dram_read: int
    dram_write: int
    peak_vtcm: int
    fill: int | None = None
    spill: int | None = None
    context_bytes: int
    """Size of the context binary that holds all graphs of the DLC."""
    ops_without_cost: int = 0
    htp_ops: dict[str, int]
    """The number of ops of each HTP op."""
    in_force: dict[str, float]
    """The simulator's configuration as it took effect, by its own names."""
    ops: tuple[OpEstimate, ...] | None = None

    @property
    def time_us(self) -> float:
        """Microseconds of one inference, not rounded."""
        return self.cycles / self.core_mhz


class Estimate(Stored):
    """The estimate of a DLC compiled in one way, with its graphs run one after the other."""

    model_config = ConfigDict(frozen=True)

    graphs: tuple[GraphEstimate, ...]

    @property
    def time_us(self) -> float:
        """Microseconds of one inference of every graph."""
        return sum(graph.time_us for graph in self.graphs)

    @property
    def interval_us(self) -> tuple[float, float] | None:
        """The vendor's interval of `time_us`; None if the vendor gives none for the SoC."""
        lower = [graph.lower_cycles / graph.core_mhz for graph in self.graphs if graph.lower_cycles]
        upper = [graph.upper_cycles / graph.core_mhz for graph in self.graphs if graph.upper_cycles]
        if len(lower) != len(self.graphs) or len(upper) != len(self.graphs):
            return None
        return sum(lower), sum(upper)

    @property
    def total_dram(self) -> int:
        """Bytes read from and written to DRAM."""
        return sum(graph.dram_read + graph.dram_write for graph in self.graphs)

    @property
    def peak_vtcm(self) -> int:
        """The most bytes of VTCM in use at once."""
        return max(graph.peak_vtcm for graph in self.graphs)

    @property
    def context_bytes(self) -> int:
        """Size of the context binary."""
        return self.graphs[0].context_bytes

    @property
    def htp_ops(self) -> list[dict[str, int]]:
        """The HTP ops that the compiler made of each graph, for comparison."""
        return [graph.htp_ops for graph in self.graphs]

    def in_force(self, name: str) -> float | None:
        """Return a value of the simulator's configuration; None if there is none of that name."""
        return self.graphs[0].in_force.get(name)

    @property
    def dram_peak(self) -> float | None:
        """Most bytes per core cycle, by the simulator's configuration.

        Its fastest transfers reach this figure, and none exceeds it.
        """
        names = ("sim_ddr_freq", "sim_ddr_width", "sim_ddr_channels", "sim_ddr_efficiency", "sim_core_freq")
        values = [self.in_force(name) for name in names]
        if not all(values):
            return None
        clock, width, channels, efficiency, core = (value or 0.0 for value in values)
        return _DOUBLE_DATA_RATE * clock * width * channels * efficiency / core
