"""The figures of a pass through a language model: those of the compiled blocks, scaled to all blocks.

All are simulated, with seeded weights.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field

from qhas.documents import Stored
from qhas.outside_text import ShownText

_SECOND = 1e6


class Share(Stored):
    """A part of a block's graph and its share of the graph's time."""

    model_config = ConfigDict(frozen=True)

    part: ShownText
    percent: float


class PassFigures(Stored):
    """One pass through the whole model; bytes are DRAM bytes unless stated otherwise."""

    model_config = ConfigDict(frozen=True)

    tokens: int
    """The number of new tokens."""
    time_us: float
    block_us: float
    """The time each block adds."""
    constant_us: float
    """The time a graph of blocks takes regardless of their number."""
    ends_us: float
    """The time of the look-up and of the projection to the vocabulary."""
    read: float
    written: float
    weights: int
    """Bytes of all weights in their format: each is read once."""
    cache: int
    """Bytes of the cache before the pass: each is read once."""
    spill: float
    """Bytes moved to DRAM for lack of VTCM, on SoCs for which the simulator reports them; else 0."""
    peak_vtcm: int
    dram_peak: float | None
    """Peak bandwidth in bytes per microsecond, from the simulator's configuration."""
    shares: list[Share]
    """Shares of the time of the graph with the most blocks."""

    @property
    def decodes(self) -> bool:
        """Whether the pass decodes one token after a cache; otherwise it reads part of a prompt."""
        return self.tokens == 1

    @property
    def tokens_per_s(self) -> float:
        """New tokens per second."""
        return self.tokens * _SECOND / self.time_us

    @property
    def dram(self) -> float:
        """Bytes read and written."""
        return self.read + self.written

    @property
    def rest(self) -> float:
        """Bytes moved beyond reading weights and cache once: activations, and anything read again."""
        return self.dram - self.weights - self.cache

    @property
    def of_dram_peak(self) -> float | None:
        """The bytes moved, in percent of the most that DRAM could move in that time; None if the peak is unknown."""
        if not self.dram_peak:
            return None
        return 100 * self.dram / (self.time_us * self.dram_peak)


class Language(Stored):
    """What a language model's cell says about the whole model, for the pass that its graph is part of."""

    context: int = Field(description="Tokens in the whole context; the cache holds all but the new ones.")
    whole: PassFigures
    context_bytes: float = Field(
        description="Size of the context binaries of a pass, scaled, without the look-up table."
    )
    sentence: ShownText = Field(description="What was compiled and what was scaled.")
    notes: list[ShownText] = Field(default=[], description="Where the graphs may differ from the model.")
    measured: list[ShownText] = Field(
        default=[],
        description="What was measured for the same architecture, w4a16; not a figure of the record.",
    )
