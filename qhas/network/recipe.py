"""How a model is brought to the HTP: number formats, and the form of its projections and of its attention."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from pydantic import Field

from qhas.documents import Written


class WeightBits(IntEnum):
    """Bits of the weights of projections, with a scale for each output channel."""

    FOUR = 4
    EIGHT = 8


class ActivationBits(IntEnum):
    """Bits of computed values, and of cached keys and values."""

    EIGHT = 8
    SIXTEEN = 16


class Projections(StrEnum):
    """The op of a projection."""

    MATMUL = "matmul"
    CONV = "conv"
    """A 1x1 convolution over the tokens."""


class Attention(StrEnum):
    """How queries meet keys."""

    GROUPED = "grouped"
    """One MatMul, of which the heads that share a key are rows."""
    SPLIT = "split"
    """One MatMul per head."""


class Recipe(Written):
    """How a model is quantised and built.

    The defaults are those of Qualcomm's published w4a16 models, with cache and last projection of 8 bits.

    Source: AIMET's recipes for them (`_set_lm_head_to_8b`, `_tie_quantizers_for_kv_cache`).
    """

    weights: WeightBits = Field(
        default=WeightBits.FOUR, title="Weights", description="Bits of the projections' weights: 4 or 8."
    )
    activations: ActivationBits = Field(
        default=ActivationBits.SIXTEEN, title="Activations", description="Bits of activations: 16 or 8."
    )
    cache: ActivationBits = Field(
        default=ActivationBits.EIGHT, title="Cache", description="Bits of cached keys and values: 8 or 16."
    )
    head: WeightBits = Field(
        default=WeightBits.EIGHT,
        title="Head",
        description="Bits of the weights of the projection to the vocabulary: 8 or 4.",
    )
    projections: Projections = Field(
        default=Projections.MATMUL,
        title="Projections",
        description="Op used for projections: matmul or conv (1x1).",
    )
    attention: Attention = Field(
        default=Attention.GROUPED,
        title="Attention",
        description="grouped: one MatMul for all heads that share a key; split: one per head.",
    )

    @property
    def name(self) -> str:
        """The formats in words, as in `w4a16, cache of 8 bits, last projection of 8`."""
        return (
            f"w{self.weights}a{self.activations}, cache of {self.cache} bits, last projection of {self.head}"
        )
