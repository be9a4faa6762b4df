"""The graphs of a model: decoder blocks of one pass, the projection to the vocabulary, the look-up of tokens."""

from __future__ import annotations

from qhas.llm.attention import AttentionDrawer, Pass, normalised
from qhas.llm.draft import Draft
from qhas.llm.projection import Projector
from qhas.network.architecture import Architecture
from qhas.network.families import Activation
from qhas.network.recipe import Recipe

LOOKED_UP = 4096
"""The most table rows in a look-up graph: a pass reads only its own tokens' rows, however many there are."""


def blocks(arch: Architecture, recipe: Recipe, size: Pass, count: int, draft: Draft | None = None) -> Draft:
    """Draw `count` decoder blocks one after the other, in the empty draft if one is given."""
    draft = draft or Draft(recipe.activations)
    tensor = draft.input("tokens", [1, size.tokens, arch.hidden])
    attention = AttentionDrawer(draft, arch, recipe, size)
    shared = attention.shared()
    for number in range(count):
        place = f"b{number}"
        tensor = _added(draft, arch, place, tensor, attention.draw(
            place, normalised(draft, f"{place}_norm", tensor, arch.hidden), shared
        ))  # fmt: skip
        tensor = _added(draft, arch, place, tensor, _forward(
            draft, arch, recipe, size.tokens, place, normalised(draft, f"{place}_norm", tensor, arch.hidden)
        ))  # fmt: skip
    draft.output("hidden", tensor, [1, size.tokens, arch.hidden])
    return draft


def head(arch: Architecture, recipe: Recipe, tokens: int) -> Draft:
    """Draw the last normalisation and the projection to the vocabulary."""
    draft = Draft(recipe.activations)
    tensor = draft.input("hidden", [1, tokens, arch.hidden])
    tensor = normalised(draft, "norm", tensor, arch.hidden)
    projector = Projector(draft, recipe, tokens)
    logits = projector.project("head", tensor, arch.hidden, arch.vocabulary, bits=recipe.head)
    if arch.caps_logits:
        logits = draft.op("Tanh", "cap", [logits])
    draft.output("logits", logits, [1, tokens, arch.vocabulary])
    return draft


def look_up(arch: Architecture, recipe: Recipe, tokens: int) -> Draft:
    """Draw the look-up of the tokens' rows of the embedding."""
    draft = Draft(recipe.activations)
    table = draft.constant("table", [min(arch.vocabulary, LOOKED_UP), arch.hidden])
    ids = draft.whole_numbers("ids", [1, tokens])
    draft.output("tokens", draft.op("Gather", "rows", [table, ids], axis=0), [1, tokens, arch.hidden])
    return draft


def _added(draft: Draft, arch: Architecture, place: str, tensor: str, part: str) -> str:
    if arch.family.norms_after:
        part = normalised(draft, f"{place}_norm", part, arch.hidden)
    return draft.op("Add", f"{place}_residual", [tensor, part])


def _forward(draft: Draft, arch: Architecture, recipe: Recipe, tokens: int, place: str, tensor: str) -> str:
    projector = Projector(draft, recipe, tokens)
    gate = projector.project(f"{place}_gate", tensor, arch.hidden, arch.intermediate, bias=arch.mlp_bias)
    up = projector.project(f"{place}_up", tensor, arch.hidden, arch.intermediate, bias=arch.mlp_bias)
    product = draft.op("Mul", f"{place}_activation", [_activated(draft, arch, place, gate), up])
    return projector.project(f"{place}_down", product, arch.intermediate, arch.hidden, bias=arch.mlp_bias)


def _activated(draft: Draft, arch: Architecture, place: str, gate: str) -> str:
    name = f"{place}_activation"
    if arch.family.activation is Activation.GELU:
        return draft.op("Gelu", name, [gate], approximate="tanh")
    return draft.op("Mul", name, [gate, draft.op("Sigmoid", name, [gate], share=True)])
