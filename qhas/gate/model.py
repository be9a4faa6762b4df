"""What a gate found: a line for each network on each SoC, and one word for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from qhas.diff.model import CellDiff
from qhas.documents import Stored
from qhas.units import words

SCHEMA_VERSION = 1


class GateState(StrEnum):
    """How a network on a SoC stands against the base."""

    WORSE = "worse"
    """Slower than the threshold allows."""
    FAILED = "failed"
    """It does not run any more, or, being new, does not run."""
    OVER_BUDGET = "over_budget"
    ENVIRONMENT = "environment"
    """The sides were made by different compilers or on different devices: no statement about the change itself."""
    BETTER = "better"
    LESS_ACCURATE = "less_accurate"
    """As fast, and its outputs are further from those of the base in floats."""
    SAME = "same"
    """Within the threshold."""
    UNCHANGED = "unchanged"
    """The same bytes."""
    NEW = "new"
    """The base does not have it; it runs."""
    REMOVED = "removed"
    STILL_FAILS = "still_fails"
    """It did not run before either."""


STOPS = frozenset({GateState.WORSE, GateState.FAILED, GateState.OVER_BUDGET})
"""What makes a gate fail."""


class GateLine(Stored):
    """A network on a SoC. Times in microseconds, sizes in bytes; None where a side has none.

    Of a language model's graph the change is of tokens a second, and time, DRAM and VTCM are of its blocks as they were compiled.
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
    """Of outputs against ONNX Runtime's in floats of the base's ONNX; of a new network, of its own."""
    sqnr_after_db: float | None = None
    cosine_before: float | None = None
    cosine_after: float | None = None
    decode_tokens_per_s_before: float | None = None
    """Of the whole language model, simulated; None of what is none, and of the graph of the other pass."""
    decode_tokens_per_s_after: float | None = None
    prefill_tokens_per_s_before: float | None = None
    prefill_tokens_per_s_after: float | None = None
    dram_per_token_before: float | None = None
    dram_per_token_after: float | None = None
    diff: CellDiff | None = None

    @property
    def label(self) -> str:
        """As in `resnet50 on sa8255`."""
        return f"{self.network} on {self.soc}"


class GateResult(Stored):
    """A gate, its gravest lines first. `origin` is what its times are, `simulator` or `device`; empty where nothing was run."""

    schema_version: int = SCHEMA_VERSION
    base: str
    head: str
    origin: str
    compiler: str
    threshold_percent: float
    lines: list[GateLine]

    @property
    def passed(self) -> bool:
        """Whether nothing stops the change."""
        return not any(line.state in STOPS for line in self.lines)

    @property
    def times(self) -> str:
        """What the times are, for people."""
        return self.origin or "none, nothing was run"

    @property
    def counts(self) -> str:
        """As in `6 cells: 2 worse, 1 failed`."""
        return counted(self.lines)

    @property
    def sentence(self) -> str:
        """As in `2 of 6 cells worse, 1 failed; the first: ...`."""
        return headline(self.lines)


def counted(lines: Sequence[GateLine]) -> str:
    """How many lines there are, and how many in each state that is a change."""
    counts = Counter(line.state for line in lines)
    changes = [
        f"{counts[state]} {words(state)}"
        for state in GateState
        if counts[state] and state is not GateState.UNCHANGED
    ]
    return f"{len(lines)} cell{'' if len(lines) == 1 else 's'}: {', '.join(changes) or 'nothing changed'}"


def headline(lines: Sequence[GateLine]) -> str:
    """One sentence over all lines, the gravest named."""
    worst = next((line for line in lines if line.state in STOPS), None)
    return f"{counted(lines)}. {worst.label}: {worst.sentence}" if worst else f"{counted(lines)}."
