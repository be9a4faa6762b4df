"""The answer to an upgrade, as it is stored and shown."""

from __future__ import annotations

from enum import StrEnum

from qhas.diff.model import DiffPart, Figure, Outcome
from qhas.units import counted


class Changed(StrEnum):
    """What is another one a step further, on the way from one stored cell to another."""

    NOTHING = "nothing"
    """The first of them."""
    SDK = "sdk"
    OPTION = "option"
    """Of prepare, or the perf profile."""
    DLC = "dlc"


class Cause(StrEnum):
    """Why a cell takes another time with another SDK. Of several that hold, the first is named."""

    NETWORK = "network"
    """Another DLC."""
    ASKED = "asked"
    """Somebody gave an option another value."""

    OPTION = "option"
    """A prepare option that nobody gave took effect with another value: a default changed."""
    COMPILED = "compiled"
    """The network became other HTP ops."""
    MEMORY = "memory"
    """The same HTP ops move more or fewer bytes."""
    CLOCK = "clock"
    """The same cycles take another time."""
    COST_MODEL = "cost_model"
    """The same HTP ops and bytes are said to take other cycles: the simulator's model changed, not the code."""
    RUNTIME = "runtime"
    """The same HTP ops and bytes take another time on the device: its runtime or firmware changed."""


class WayBack(DiffPart):
    """A run with the new SDK and the options as they took effect with the old one."""

    options: dict[str, int | bool]
    """As in `prepare` of a sweep."""
    run_id: str
    time: Figure
    """Of the old SDK, and of the new one with these options."""
    restores: bool
    """Whether that is the old time, by the threshold; what is left where it is not, the step's cause tells."""


class Step(DiffPart):
    """One change of a cell's time between two versions."""

    before: str
    after: str
    first: bool
    """Whether no version that the site has lies between them: then `after` is the first that has the change."""
    time: Figure
    cause: Cause
    why: str
    """The cause with its figures, for people; of options that explain a part, both parts, the larger first."""
    way_back: WayBack | None = None


class CellUpgrade(DiffPart):
    """A network on a SoC with the old SDK and with the new one."""

    cell: str
    """`<model>/<soc>`; of a DLC of several graphs `<model>/<soc>/<graph>`."""
    verdict: Outcome
    time: Figure
    prepare: list[Figure] = []
    """Size of the context binary, and what graph-prepare took where it was run."""
    steps: list[Step] = []
    """The changes on the way, oldest first; empty for a cell whose time stayed."""


class FailedCell(DiffPart):
    """A network that could not be compared."""

    cell: str
    why: str


class Upgrade(DiffPart):
    """From one SDK to another: every cell, the slowest first."""

    upgrade_id: str
    before: str
    after: str
    threshold_percent: float
    cells: list[CellUpgrade]
    failed: list[FailedCell] = []
    between: str = "SDK"
    """What `before` and `after` are: SDKs, or runs."""
    cycles: dict[str, dict[str, float]] = {}
    """By cell and SDK, where every one was asked for."""
    runs: list[str] = []
    compiled: int = 0
    """Graphs that were prepared this time, and not found in the store."""

    def of(self, verdict: Outcome) -> list[CellUpgrade]:
        """The cells with that verdict."""
        return [cell for cell in self.cells if cell.verdict is verdict]

    @property
    def good(self) -> bool:
        """Whether no cell is slower, and none could not be compared."""
        return not self.failed and not self.of(Outcome.WORSE)

    @property
    def sentence(self) -> str:
        """How many cells are what, and the slowest with its cause."""
        counts = [f"{len(self.of(each))} {word}" for each, word in _WORDS.items()]
        failed = f", {len(self.failed)} not compared" if self.failed else ""
        head = f"{self.between} {self.before} → {self.after}: of {counted(len(self.cells), 'cell')} {', '.join(counts)}{failed}."
        worst = next((cell for cell in self.cells if cell.verdict is Outcome.WORSE and cell.steps), None)
        if worst is None:
            return head
        most = max(worst.steps, key=lambda step: step.time.change or 0)
        return f"{head} Slowest is {worst.cell}: {most.why}."


_WORDS = {Outcome.WORSE: "slower", Outcome.BETTER: "faster", Outcome.SAME: "the same"}
