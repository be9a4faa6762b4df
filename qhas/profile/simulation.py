"""What a simulated file says about its own estimate: its interval, what it omits, what moves between VTCM and DRAM."""

from __future__ import annotations

from qhas.documents import Stored
from qhas.profile.qhas_file import QhasFile
from qhas.profile.timing import stated_clock_mhz
from qhas.units import count, microseconds, size


class Simulation(Stored):
    """The simulator's own account of an estimate. None marks what it did not say."""

    lower_us: float | None = None
    upper_us: float | None = None
    """The upper end of its own interval; docs/truth.md says how often a device is inside."""
    ops_without_cost: int | None = None
    """Number of ops that the estimate leaves out: above 0 it is incomplete."""
    fill: int | None = None
    """Bytes of intermediate tensors read back into VTCM; `spill` counts those written out of it for lack of room."""
    spill: int | None = None

    @property
    def incomplete(self) -> str:
        """Half a sentence if the estimate leaves ops out, else empty."""
        if not self.ops_without_cost:
            return ""
        ops = "1 op has" if self.ops_without_cost == 1 else f"{count(self.ops_without_cost)} ops have"
        return f"the estimate is incomplete: {ops} no known cost"

    @property
    def interval(self) -> str:
        """The interval, as in `208.8 µs to 262.9 µs`; empty if not known."""
        if self.lower_us is None or self.upper_us is None:
            return ""
        return f"{microseconds(self.lower_us)} to {microseconds(self.upper_us)}"

    @property
    def moved(self) -> str:
        """Fill and spill as text; empty if not known.

        As in `256.0 kB of intermediate tensors spilled from VTCM, 0 B filled back`.
        """
        if self.spill is None or self.fill is None:
            return ""
        return f"{size(self.spill)} of intermediate tensors spilled from VTCM, {size(self.fill)} filled back"


def simulation_of(file: QhasFile) -> Simulation | None:
    """Return what a simulated file says about its estimate; None for a measured one."""
    if not file.simulated:
        return None
    own = file.provenance.get("simulators_own")
    own = own if isinstance(own, dict) else {}
    clock = stated_clock_mhz(file)
    lower, upper = stated_count(own.get("lower_cycles")), stated_count(own.get("upper_cycles"))
    return Simulation(
        lower_us=lower / clock if lower and clock else None,
        upper_us=upper / clock if upper and clock else None,
        ops_without_cost=stated_count(file.provenance.get("ops_without_cost")),
        fill=stated_count(own.get("intermediate_fill_bytes")),
        spill=stated_count(own.get("intermediate_spill_bytes")),
    )


def stated_count(value: object) -> int | None:
    """Return a count from a tool's JSON; None if it is not an integer of at least 0."""
    return value if type(value) is int and value >= 0 else None
