"""The simulator's answer about a language model. All of its figures are simulated, with seeded weights."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from pydantic import ConfigDict

from qhas.documents import Stored
from qhas.llm.expected import Expected, expectations
from qhas.llm.measured import beside
from qhas.network.architecture import Architecture
from qhas.network.recipe import Attention, Recipe
from qhas.profile.language import PassFigures
from qhas.truth.calibration import Unknown

NOTHING = "no op running"
ONLY_ENDS = "inputs and outputs"
_MUCH = 1.0
"""Bytes beyond weights and cache, as a share of the cache, above which the cache is read more than once."""


class LlmFigures(Stored):
    """The figures of a model on a SoC at a context."""

    model_config = ConfigDict(frozen=True)

    soc: str
    context: int
    decode: PassFigures
    prefill: PassFigures
    context_bytes: float
    """The scaled size of a decode pass's context binaries, without the look-up table."""

    @property
    def decode_tokens_per_s(self) -> float:
        """The decode rate with a cache of the whole context."""
        return self.decode.tokens_per_s

    @property
    def prefill_tokens_per_s(self) -> float:
        """The prefill rate with every pass at the context's full length."""
        return self.prefill.tokens_per_s

    @property
    def first_token_ms(self) -> float:
        """Milliseconds to the first token for a prompt of one pass."""
        return self.prefill.time_us / 1000

    @property
    def first_token_full_ms(self) -> float:
        """Milliseconds to the first token for a prompt as long as the context."""
        return ceil(self.context / self.prefill.tokens) * self.first_token_ms


class NotCompiled(Stored):
    """A SoC and a context without figures, and why."""

    soc: str
    context: int
    why: str


class Outlook(NamedTuple):
    """A pass on a SoC at a context, with each runtime's expectation for it or why there is none."""

    soc: str
    context: int
    whole: PassFigures
    answer: tuple[Expected, ...] | Unknown


class LlmAnswer(Stored):
    """The answer about a model on SoCs."""

    model: str
    architecture: Architecture
    recipe: Recipe
    sdk: str
    blocks: int
    """The number of blocks in the larger compiled graph."""
    rows_looked_up: int
    prompt: int
    figures: list[LlmFigures]
    failed: list[NotCompiled]
    compiled: int = 0

    @property
    def sentence(self) -> str:
        """What was compiled, what was scaled, and on which SDK."""
        return f"{self.scaled}; {self.compiled} graphs were compiled now, on SDK {self.sdk}; all figures are simulated."

    @property
    def scaled(self) -> str:
        """What was compiled and what was scaled, without a full stop."""
        arch = self.architecture
        some = "1 decoder block" if self.blocks == 1 else f"1 and {self.blocks} decoder blocks"
        added = "a block" if self.blocks == 1 else "what a block adds"
        table = (
            f"the look-up in {self.rows_looked_up:,} of {arch.vocabulary:,} rows"
            if self.rows_looked_up < arch.vocabulary
            else "the look-up"
        )
        return (
            f"Compiled: {some}, for 1 token and for {self.prompt}, the projection to the vocabulary and {table}, with seeded weights; "
            f"{added} was scaled to {arch.layers} blocks"
        )

    @property
    def measured(self) -> list[str]:
        """What was measured of the same architecture, one sentence per SoC and context."""
        sentences = [beside(self.architecture, each.soc, each.context) for each in self.figures]
        return [sentence for sentence in sentences if sentence]

    @property
    def expected(self) -> list[Outlook]:
        """What devices are expected to deliver, per SoC and context: in decode, then to the first token."""
        return [
            Outlook(
                each.soc, each.context, figures, expectations(figures, each.soc, each.context, self.recipe)
            )
            for each in self.figures
            for figures in (each.decode, each.prefill)
        ]

    @property
    def notes(self) -> list[str]:
        """How the graphs may differ from the model, and where attention should be split."""
        arch, notes = self.architecture, list[str]()
        longest = max((each.context for each in self.figures), default=0)
        if arch.window and arch.window < longest:
            notes.append(
                f"Blocks attend to the whole context here; in the model, some or all attend to {arch.window:,} tokens."
            )
        moved = [each.soc for each in self.figures if each.decode.rest > _MUCH * each.decode.cache]
        if moved and self.recipe.attention is Attention.GROUPED:
            socs = ", ".join(dict.fromkeys(moved))
            notes.append(
                f"On {socs} a token moves more than twice its cache in addition to the weights: the keys of all heads do not fit into VTCM at once; try "
                "attention split."
            )
        return notes
