"""The result of an upgrade, as it is stored and shown."""

from __future__ import annotations

from enum import StrEnum

from qhas.diff.model import DiffPart, Figure, Outcome
from qhas.units import counted


class Changed(StrEnum):
    """What changes in a step on the way from one stored cell to another."""

    NOTHING = "nothing"
    """At the first point."""
    SDK = "sdk"
    OPTION = "option"
    """A prepare option, or the perf profile."""
    DLC = "dlc"


class Cause(StrEnum):
    """Why a cell takes a different time with another SDK. If several hold, the first is named."""

    NETWORK = "network"
    """Another DLC."""
    ASKED = "asked"
    """Another value was requested for an option."""

    OPTION = "option"
    """A prepare option took effect with another value despite equal requests: a default changed."""
    COMPILED = "compiled"
    """The network was compiled to other HTP ops."""
    MEMORY = "memory"
    """The same HTP ops move more or fewer bytes."""
    CLOCK = "clock"
    """The same cycles take a different time."""
    COST_MODEL = "cost_model"
    """The simulator gives the same HTP ops and bytes other cycles: its cost model changed, not the code."""
    RUNTIME = "runtime"
    """The same HTP ops and bytes take a different time on the device: its runtime or firmware changed."""


class WayBack(DiffPart):
    """A run with the new SDK and the options as they took effect with the old one."""

    options: dict[str, int | bool]
    """As in `prepare` of a sweep."""
    run_id: str
    time: Figure
    """With the old SDK, and with the new one and these options."""
    restores: bool
    """Whether that restores the old time, by the threshold; if not, the step's cause names the remainder."""


class Step(DiffPart):
    """One change in a cell's time between two versions."""

    before: str
    after: str
    first: bool
    """Whether the site has no version between them: then `after` is the first with the change."""
    time: Figure
    cause: Cause
    why: str
    """The cause with its figures, shown to users; if options explain only part, both parts, the larger first."""
    way_back: WayBack | None = None


class CellUpgrade(DiffPart):
    """A network on a SoC, with the old SDK and with the new one."""

    cell: str
    """`<model>/<soc>`; for a DLC with several graphs, `<model>/<soc>/<graph>`."""
    verdict: Outcome
    time: Figure
    prepare: list[Figure] = []
    """Size of the context binary, and the time of graph-prepare if it was run."""
    steps: list[Step] = []
    """The changes on the way, oldest first; empty for a cell whose time did not change."""


class FailedCell(DiffPart):
    """A network that could not be compared."""

    cell: str
    why: str


class Upgrade(DiffPart):
    """The result from one SDK or run to another: every cell, the largest slowdown first."""

    upgrade_id: str
    before: str
    after: str
    threshold_percent: float
    cells: list[CellUpgrade]
    failed: list[FailedCell] = []
    between: str = "SDK"
    """What `before` and `after` are: SDKs, or runs."""
    cycles: dict[str, dict[str, float]] = {}
    """Cycles by cell and SDK, if every SDK was requested."""
    runs: list[str] = []
    compiled: int = 0
    """Number of graphs prepared this time rather than found in the store."""

    def of(self, verdict: Outcome) -> list[CellUpgrade]:
        """Return the cells with that verdict."""
        return [cell for cell in self.cells if cell.verdict is verdict]

    @property
    def good(self) -> bool:
        """Whether no cell is slower and every cell could be compared."""
        return not self.failed and not self.of(Outcome.WORSE)

    @property
    def sentence(self) -> str:
        """The number of cells with each verdict, and the slowest cell with its cause."""
        counts = [f"{len(self.of(each))} {word}" for each, word in _WORDS.items()]
        failed = f", {len(self.failed)} not compared" if self.failed else ""
        head = f"{self.between} {self.before} → {self.after}: of {counted(len(self.cells), 'cell')} {', '.join(counts)}{failed}."
        worst = next((cell for cell in self.cells if cell.verdict is Outcome.WORSE and cell.steps), None)
        if worst is None:
            return head
        most = max(worst.steps, key=lambda step: step.time.change or 0)
        return f"{head} Slowest is {worst.cell}: {most.why}."


_WORDS = {Outcome.WORSE: "slower", Outcome.BETTER: "faster", Outcome.SAME: "the same"}
