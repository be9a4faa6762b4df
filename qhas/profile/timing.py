"""How the time of an inference is made up."""

from __future__ import annotations

from dataclasses import dataclass, replace

from qhas.profile.qhas_file import QhasFile
from qhas.profile.runtrace import Runtrace


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How the time of one side is made up, in cycles and microseconds: the graph's execution, and what precedes it.

    Values that are None are not computed from the others: the clock is a runtrace's, or one that a simulated file
    states.
    """

    cycles: int
    idle: int
    execute: float
    start_up: float
    apart: bool = True
    """Whether the file distinguishes the two; otherwise everything is execution."""
    clock_mhz: float | None = None
    vtcm_acquire: float | None = None
    power_up: float | None = None

    def undivided(self) -> Timing:
        """Return the timing as from a file that does not distinguish execution from what precedes it."""
        return replace(
            self,
            execute=self.time,
            start_up=0.0,
            apart=False,
            clock_mhz=None,
            vtcm_acquire=None,
            power_up=None,
        )

    @property
    def time(self) -> float:
        """The QHAS time."""
        return self.start_up + self.execute

    @property
    def us_a_cycle(self) -> float | None:
        """Microseconds of the graph's execution per cycle of the timeline; None for an empty timeline.

        The execution includes the graph's start and end, which the timeline does not.
        """
        return self.execute / self.cycles if self.cycles else None

    @property
    def around(self) -> float:
        """Microseconds of execution outside the timeline: the graph's start and end; 0 if the clock is unknown."""
        return self.execute - self.cycles / self.clock_mhz if self.clock_mhz else 0.0


def stated_clock_mhz(file: QhasFile) -> float | None:
    """Return the clock that a simulated file says it was computed for; None if there is none."""
    stated = file.provenance.get("core_mhz")
    return stated if isinstance(stated, int | float) and stated > 0 else None


def timing(file: QhasFile, runtrace: Runtrace | None = None) -> Timing:
    """Return the timing of the core that finishes last, with what the runtrace of the same inference adds.

    Files hold whole microseconds. A simulated one states its clock, so its time is recomputed from cycles, exactly.
    """
    core = file.longest
    stated_us = (
        core.graph_execute_us if core.graph_execute_us is not None or not runtrace else runtrace.graph_us
    )
    execute = float(core.time_us if stated_us is None else stated_us)
    stated = stated_clock_mhz(file)
    taken = Timing(
        cycles=core.timeline_cycles,
        idle=file.idle,
        execute=core.timeline_cycles / stated if stated else execute,
        start_up=core.time_us - execute,
        clock_mhz=stated or (runtrace.clock_mhz if runtrace else None),
        vtcm_acquire=runtrace.vtcm_acquire_us if runtrace else None,
        power_up=runtrace.power_on_us if runtrace else None,
    )
    return taken.undivided() if stated_us is None and not stated else taken
