"""Families of language models whose decoder blocks are known: a row holds what `config.json` itself does not say.

Source: the models' published implementations in Hugging Face Transformers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Activation(StrEnum):
    """The activation between the projections of the feed-forward part, applied to the gate."""

    SILU = "silu"
    GELU = "gelu"
    """Computed with tanh, as in Gemma."""


ACTIVATION_NAMES = {
    Activation.SILU: frozenset({"silu", "swish"}),
    Activation.GELU: frozenset({"gelu", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"}),
}
"""What `config.json` may call them. The tables of the two forms of GELU take the same time."""


class Family(NamedTuple):
    """What distinguishes a family's block from Llama's."""

    title: str
    qkv_bias: bool = False
    """Whether query, key and value are projected with a bias, whatever the file says."""
    head_norms: bool = False
    """Whether queries and keys are normalised, head by head."""
    norms_after: bool = False
    """Whether the outputs of attention and feed-forward part are normalised as well."""
    activation: Activation = Activation.SILU


_QWEN2, _QWEN3 = Family("Qwen2", qkv_bias=True), Family("Qwen3", head_norms=True)
FAMILIES = {
    "llama": Family("Llama"),
    "mistral": Family("Mistral"),
    "qwen2": _QWEN2,
    "qwen2_vl": _QWEN2,
    "qwen2_vl_text": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_5_vl_text": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_vl_text": _QWEN3,
    "phi3": Family("Phi-3"),
    "gemma": Family("Gemma", activation=Activation.GELU),
    "gemma2": Family("Gemma 2", norms_after=True, activation=Activation.GELU),
}
"""The families by `model_type`. For a model with vision, the text part is used."""
