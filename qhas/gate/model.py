"""The result of a gate: a line for each network on each SoC, and one overall verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from qhas.diff.model import CellDiff
from qhas.documents import Stored
from qhas.units import words

SCHEMA_VERSION = 1


class GateState(StrEnum):
    """How a network on a SoC compares with the base."""

    WORSE = "worse"
    """Slower than the threshold allows."""
    FAILED = "failed"
    """It no longer runs, or is new and does not run."""
    OVER_BUDGET = "over_budget"
    ENVIRONMENT = "environment"
    """Slower, but the sides come from different compilers or devices, so the change itself may not be the cause."""
    BETTER = "better"
    LESS_ACCURATE = "less_accurate"
    """As fast, but its outputs are further from the base's in floats."""
    SAME = "same"
    """Within the threshold."""
    UNCHANGED = "unchanged"
    """The same bytes."""
    NEW = "new"
    """It runs, and the base does not have it or did not run it."""
    REMOVED = "removed"
    STILL_FAILS = "still_fails"
    """It did not run before either."""


STOPS = frozenset({GateState.WORSE, GateState.FAILED, GateState.OVER_BUDGET})
"""States that make a gate fail."""


class GateLine(Stored):
    """A network on a SoC. Times in microseconds, sizes in bytes; None where a side has none.

    For a language model's graph, the change is in tokens per second of the whole model, and time, DRAM and VTCM are
    those of its blocks as compiled.
    """

    network: str
    soc: str
    state: GateState
    sentence: str
    time_before_us: float | None = None
    time_after_us: float | None = None
    change_percent: float | None = None
    dram_before: float | None = None
    dram_after: float | None = None
    vtcm_before: float | None = None
    vtcm_after: float | None = None
    sqnr_before_db: float | None = None
    """Measured against ONNX Runtime's outputs for the base's ONNX in floats, or for its own if the network is new."""
    sqnr_after_db: float | None = None
    cosine_before: float | None = None
    cosine_after: float | None = None
    decode_tokens_per_s_before: float | None = None
    """Simulated, of the whole language model; None for other networks, and for the graph of the other pass."""
    decode_tokens_per_s_after: float | None = None
    prefill_tokens_per_s_before: float | None = None
    prefill_tokens_per_s_after: float | None = None
    dram_per_token_before: float | None = None
    dram_per_token_after: float | None = None
    diff: CellDiff | None = None

    @property
    def label(self) -> str:
        """The network and its SoC, as in `resnet50 on sa8255`."""
        return f"{self.network} on {self.soc}"


class GateResult(Stored):
    """A gate's result, the gravest lines first.

    `origin` says what its times are, `simulator` or `device`, or both joined by "and"; empty if nothing was run.
    """

    schema_version: int = SCHEMA_VERSION
    base: str
    head: str
    origin: str
    compiler: str
    threshold_percent: float
    lines: list[GateLine]

    @property
    def passed(self) -> bool:
        """Whether no line stops the change."""
        return not any(line.state in STOPS for line in self.lines)

    @property
    def times(self) -> str:
        """The origin of the times, in words for users."""
        return self.origin or "none, nothing was run"

    @property
    def counts(self) -> str:
        """The number of lines in total and by state, as in `6 cells: 2 worse, 1 failed`."""
        return counted(self.lines)

    @property
    def sentence(self) -> str:
        """The counts, and the gravest line that stops the change, as in `6 cells: 2 worse. resnet50 on sa8255: ...`."""
        return headline(self.lines)


def counted(lines: Sequence[GateLine]) -> str:
    """Return how many lines there are, and how many in each state other than unchanged."""
    counts = Counter(line.state for line in lines)
    changes = [
        f"{counts[state]} {words(state)}"
        for state in GateState
        if counts[state] and state is not GateState.UNCHANGED
    ]
    return f"{len(lines)} cell{'' if len(lines) == 1 else 's'}: {', '.join(changes) or 'nothing changed'}"


def headline(lines: Sequence[GateLine]) -> str:
    """Sum up all lines, and name the gravest of those that stop the change."""
    worst = next((line for line in lines if line.state in STOPS), None)
    return f"{counted(lines)}. {worst.label}: {worst.sentence}" if worst else f"{counted(lines)}."
