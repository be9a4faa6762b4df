"""How the time of an inference comes about."""

from __future__ import annotations

from dataclasses import dataclass

from qhas.profile.qhas_file import QhasFile


@dataclass(frozen=True)
class Timing:
    """How the time of one side comes about, in cycles and microseconds: the graph's execution, and what is before it."""

    cycles: int
    idle: int
    execute: float
    start_up: float

    @property
    def time(self) -> float:
        """The QHAS time."""
        return self.start_up + self.execute

    @property
    def us_a_cycle(self) -> float | None:
        """None for an empty timeline."""
        return self.execute / self.cycles if self.cycles else None

    @property
    def clock_mhz(self) -> float | None:
        """Mean over the execution."""
        return round(self.cycles / self.execute, 3) if self.execute else None


def timing(file: QhasFile) -> Timing:
    """Of the core that ends last.

    Files hold whole microseconds. A simulated one states its clock, so its time is made again from cycles, exactly.
    """
    core = file.longest
    execute = core.time_us if core.graph_execute_us is None else core.graph_execute_us
    stated = file.provenance.get("core_mhz")
    return Timing(
        cycles=core.timeline_cycles,
        idle=file.idle,
        execute=core.timeline_cycles / stated if isinstance(stated, int | float) and stated > 0 else execute,
        start_up=core.time_us - execute,
    )
