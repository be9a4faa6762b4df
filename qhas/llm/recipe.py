"""How a model is brought to the HTP: number formats, and the form of its projections and of its attention."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from pydantic import ConfigDict

from qhas.documents import Stored


class WeightBits(IntEnum):
    """Of the weights of projections, with a scale for each output channel."""

    FOUR = 4
    EIGHT = 8


class ActivationBits(IntEnum):
    """Of what is computed, and of what is kept of keys and values."""

    EIGHT = 8
    SIXTEEN = 16


class Projections(StrEnum):
    """The op of a projection."""

    MATMUL = "matmul"
    CONV = "conv"
    """1x1 over the tokens."""


class Attention(StrEnum):
    """How queries meet keys."""

    GROUPED = "grouped"
    """One MatMul: the heads of a key are rows of it."""
    SPLIT = "split"
    """A MatMul a head."""


class Recipe(Stored):
    """Defaults are what Qualcomm's published w4a16 models have: cache and last projection of 8 bits.

    Source: AIMET's recipes of them (`_set_lm_head_to_8b`, `_tie_quantizers_for_kv_cache`).
    """

    model_config = ConfigDict(frozen=True)

    weights: WeightBits = WeightBits.FOUR
    activations: ActivationBits = ActivationBits.SIXTEEN
    cache: ActivationBits = ActivationBits.EIGHT
    head: WeightBits = WeightBits.EIGHT
    """Weights of the projection to the vocabulary."""
    projections: Projections = Projections.MATMUL
    attention: Attention = Attention.GROUPED

    @property
    def name(self) -> str:
        """As in `w4a16, cache of 8 bits, last projection of 8`."""
        return (
            f"w{self.weights}a{self.activations}, cache of {self.cache} bits, last projection of {self.head}"
        )
