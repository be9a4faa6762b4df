"""A pass through a language model as figures: of blocks that were compiled, scaled to all of them. All are simulated, of seeded weights."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from qhas.documents import Stored
from qhas.outside_text import ShownText

_SECOND = 1e6


class Share(Stored):
    """A part of a block's graph and what of its time it has."""

    model_config = ConfigDict(frozen=True)

    part: ShownText
    percent: float


class PassFigures(Stored):
    """One pass through the whole model; bytes are of DRAM unless something else is said."""

    model_config = ConfigDict(frozen=True)

    tokens: int
    """New ones."""
    time_us: float
    block_us: float
    """What each block adds."""
    constant_us: float
    """What a graph of blocks costs whatever their number."""
    ends_us: float
    """Look-up and projection to the vocabulary."""
    read: float
    written: float
    weights: int
    """Bytes of all weights in their format: each is read once."""
    cache: int
    """Bytes of the cache before the pass: each is read once."""
    spill: float
    """Bytes that went to DRAM for want of VTCM, in SoCs of which the simulator says so; else 0."""
    peak_vtcm: int
    dram_peak: float | None
    """Bytes a microsecond, by the simulator's configuration."""
    shares: list[Share]
    """Of the time of the graph with the most blocks."""

    @property
    def decodes(self) -> bool:
        """Whether it is of one token after a cache; else it reads a part of a prompt."""
        return self.tokens == 1

    @property
    def tokens_per_s(self) -> float:
        """New ones."""
        return self.tokens * _SECOND / self.time_us

    @property
    def dram(self) -> float:
        """Bytes read and written."""
        return self.read + self.written

    @property
    def rest(self) -> float:
        """Bytes moved beyond weights and cache once: activations, and what is read again."""
        return self.dram - self.weights - self.cache

    @property
    def of_dram_peak(self) -> float | None:
        """Percent of the most that DRAM could move in the time."""
        if not self.dram_peak:
            return None
        return 100 * self.dram / (self.time_us * self.dram_peak)


class Language(Stored):
    """What a cell of a language model says of the whole model, by the pass that its graph is a part of."""

    context: int = Field(description="Tokens of the whole context; the cache holds all but the new ones.")
    whole: PassFigures
    context_bytes: float = Field(
        description="Of the context binaries of a pass, scaled, without the table of the look-up."
    )
    sentence: ShownText = Field(description="What was compiled and what was scaled.")
    notes: list[ShownText] = Field(default=[], description="What the graphs do otherwise than the model may.")
    measured: list[ShownText] = Field(
        default=[], description="What was measured of the same architecture, w4a16; no figure of the record."
    )
