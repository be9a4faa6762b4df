"""What the simulator says of a language model. All of its figures are simulated, of seeded weights."""

from __future__ import annotations

from math import ceil

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.llm.architecture import Architecture
from qhas.llm.measured import beside
from qhas.llm.recipe import Attention, Recipe

NOTHING = "nothing at work"
ONLY_ENDS = "inputs and outputs"
_SECOND = 1e6
_MUCH = 1.0
"""Bytes beyond weights and cache, as a share of the cache, from which on the cache is not read once."""


class Share(Stored):
    """A part of a block's graph and what of its time it has."""

    model_config = ConfigDict(frozen=True)

    part: str
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
    def rest(self) -> float:
        """Bytes moved beyond weights and cache once: activations, and what is read again."""
        return self.read + self.written - self.weights - self.cache

    @property
    def of_dram_peak(self) -> float | None:
        """Percent of the most that DRAM could move in the time."""
        if not self.dram_peak:
            return None
        return 100 * (self.read + self.written) / (self.time_us * self.dram_peak)


class LlmFigures(Stored):
    """A model on a SoC at a context."""

    model_config = ConfigDict(frozen=True)

    soc: str
    context: int
    decode: PassFigures
    prefill: PassFigures
    context_bytes: float
    """Of the context binaries of a pass of decode, scaled, without the table of the look-up."""

    @property
    def decode_tokens_per_s(self) -> float:
        """With a cache of the whole context."""
        return _SECOND / self.decode.time_us

    @property
    def prefill_tokens_per_s(self) -> float:
        """With every pass at the context's full length."""
        return self.prefill.tokens * _SECOND / self.prefill.time_us

    @property
    def first_token_ms(self) -> float:
        """For a prompt of one pass."""
        return self.prefill.time_us / 1000

    @property
    def first_token_full_ms(self) -> float:
        """For a prompt as long as the context."""
        return ceil(self.context / self.prefill.tokens) * self.first_token_ms


class NotCompiled(Stored):
    """A SoC and a context without figures."""

    soc: str
    context: int
    why: str


class LlmAnswer(Stored):
    """A model on SoCs."""

    model: str
    architecture: Architecture
    recipe: Recipe
    sdk: str
    blocks: int
    """Of the larger graph that was compiled."""
    rows_looked_up: int
    prompt: int
    figures: list[LlmFigures]
    failed: list[NotCompiled]
    compiled: int = 0

    @property
    def sentence(self) -> str:
        """What was compiled and what was scaled."""
        arch = self.architecture
        some = "1 decoder block" if self.blocks == 1 else f"1 and {self.blocks} decoder blocks"
        added = "a block" if self.blocks == 1 else "what a block adds"
        table = (
            f"the look-up in {self.rows_looked_up:,} of {arch.vocabulary:,} rows"
            if self.rows_looked_up < arch.vocabulary
            else "the look-up"
        )
        return (
            f"Compiled were {some} for 1 token and for {self.prompt}, the projection to the vocabulary and {table}, with seeded weights; "
            f"{added} was scaled to {arch.layers} blocks; {self.compiled} graphs were compiled now, on SDK {self.sdk}; all figures are "
            "simulated."
        )

    @property
    def measured(self) -> list[str]:
        """What was measured of the same architecture, a sentence a SoC and context."""
        found = [beside(self.architecture, each.soc, each.context) for each in self.figures]
        return [sentence for sentence in found if sentence]

    @property
    def notes(self) -> list[str]:
        """What the graphs do otherwise than the model may."""
        arch, notes = self.architecture, list[str]()
        longest = max((each.context for each in self.figures), default=0)
        if arch.window and arch.window < longest:
            notes.append(
                f"Blocks attend to all of the context here, in the model some or all to {arch.window:,} tokens."
            )
        moved = [each.soc for each in self.figures if each.decode.rest > _MUCH * each.decode.cache]
        if moved and self.recipe.attention is Attention.GROUPED:
            socs = ", ".join(dict.fromkeys(moved))
            notes.append(
                f"On {socs} a token moves more than twice its cache besides weights: keys of all heads do not fit into VTCM at once; try "
                "--attention split."
            )
        return notes
