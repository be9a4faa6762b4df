"""Attention of new tokens over a cache. As in Genie, keys are kept transposed, and a pass outputs only new entries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from qhas.llm.draft import Draft
from qhas.llm.projection import Projector
from qhas.network.architecture import Architecture
from qhas.network.recipe import Attention, Recipe


@dataclass(frozen=True)
class Pass:
    """New tokens at the end of a context; the cache holds the tokens before them."""

    tokens: int
    context: int

    @property
    def past(self) -> int:
        """The number of tokens in the cache."""
        return self.context - self.tokens


@dataclass(frozen=True)
class Shared:
    """The inputs that all blocks of a graph read: cosines and sines for half the rotated width, and the mask."""

    cosines: str
    sines: str
    mask: str


class Cached(NamedTuple):
    """Keys or values from before a pass, if there are any, and those of the pass; tokens run along `axis`."""

    past: str | None
    new: str
    axis: int


class AttentionDrawer:
    """Draws the attention of one block; `place` is the prefix of its nodes' names."""

    def __init__(self, draft: Draft, arch: Architecture, recipe: Recipe, size: Pass) -> None:
        self._draft = draft
        self._arch = arch
        self._recipe = recipe
        self._size = size
        self._projector = Projector(draft, recipe, size.tokens)

    def shared(self) -> Shared:
        """Declare the inputs that every block of the graph reads."""
        arch, size = self._arch, self._size
        angles = [1, 1, size.tokens, arch.rotary // 2]
        grouped = self._recipe.attention is Attention.GROUPED and size.tokens > 1
        rows = size.tokens * (arch.group if grouped else 1)  # with one token, all rows are the same
        return Shared(
            self._draft.input("cosines", angles),
            self._draft.input("sines", angles),
            self._draft.input("mask", [1, 1, rows, size.context]),
        )

    def draw(self, place: str, tensor: str, shared: Shared) -> str:
        """Draw what attention adds to the tensor. The queries' scale includes the root of the head width."""
        arch, draft, tokens = self._arch, self._draft, self._size.tokens
        queries = self._rotated(place, self._heads(place, "q", tensor, arch.heads), shared)
        keys = self._rotated(place, self._heads(place, "k", tensor, arch.kv_heads), shared)
        values = self._heads(place, "v", tensor, arch.kv_heads)
        keys = draft.op("Transpose", f"{place}_cache", [keys], perm=[0, 1, 3, 2])
        cached = self._cached(place, "keys", keys, 3), self._cached(place, "values", values, 2)
        if self._recipe.attention is Attention.GROUPED:
            rows = [1, arch.kv_heads, arch.group * tokens, arch.head_dim]
            queries = self._reshaped(f"{place}_scores", queries, rows)
            keys, values = (self._joined(place, each) for each in cached)
            mixed = self._mixed(place, queries, keys, values, shared.mask)
            mixed = self._reshaped(f"{place}_mix", mixed, [1, arch.heads, tokens, arch.head_dim])
        else:
            mixed = self._head_by_head(place, queries, cached, shared.mask)
        together = draft.op("Transpose", f"{place}_mix", [mixed], perm=[0, 2, 1, 3])
        width = arch.heads * arch.head_dim
        flat = self._reshaped(f"{place}_mix", together, [1, tokens, width])
        return self._projector.project(f"{place}_out", flat, width, arch.hidden, bias=arch.out_bias)

    def _heads(self, place: str, name: str, tensor: str, heads: int) -> str:
        arch = self._arch
        width = heads * arch.head_dim
        projected = self._projector.project(f"{place}_{name}", tensor, arch.hidden, width, bias=arch.qkv_bias)
        split = self._reshaped(f"{place}_heads", projected, [1, self._size.tokens, heads, arch.head_dim])
        return self._draft.op("Transpose", f"{place}_heads", [split], perm=[0, 2, 1, 3])

    def _rotated(self, place: str, heads: str, shared: Shared) -> str:
        """Rotate queries or keys by position: the halves of a head are the two parts of complex numbers."""
        arch, draft, name = self._arch, self._draft, f"{place}_rotary"
        if arch.family.head_norms:
            heads = normalised(draft, f"{place}_norm", heads, arch.head_dim)
        half = arch.rotary // 2
        real, imaginary = self._slice(name, heads, 0, half), self._slice(name, heads, half, arch.rotary)

        def times(one: str, other: str) -> str:
            return draft.op("Mul", name, [one, other])

        parts = [
            draft.op("Sub", name, [times(real, shared.cosines), times(imaginary, shared.sines)]),
            draft.op("Add", name, [times(imaginary, shared.cosines), times(real, shared.sines)]),
        ]
        if arch.rotary < arch.head_dim:
            parts.append(self._slice(name, heads, arch.rotary, arch.head_dim))
        return draft.op("Concat", name, parts, axis=3)

    def _cached(self, place: str, name: str, tensor: str, axis: int) -> Cached:
        """Output the new keys or values, and return them with those before them."""
        arch, size, bits = self._arch, self._size, self._recipe.cache
        if bits != self._recipe.activations:
            tensor = self._draft.quantised(tensor, bits)

        def dims(tokens: int) -> list[int]:
            ends = [arch.head_dim, tokens] if axis == 3 else [tokens, arch.head_dim]
            return [1, arch.kv_heads, *ends]

        self._draft.output(f"{place}_{name}_new", tensor, dims(size.tokens), bits)
        past = self._draft.input(f"{place}_{name}_past", dims(size.past), bits) if size.past else None
        return Cached(past, tensor, axis)

    def _joined(self, place: str, cached: Cached, pair: int | None = None) -> str:
        """Return the keys or values of the whole context, for all heads or for one."""
        bits = self._recipe.cache
        parts = [part for part in (cached.past, cached.new) if part]
        if pair is not None:
            parts = [self._slice(f"{place}_cache", each, pair, pair + 1, axis=1, bits=bits) for each in parts]
        if len(parts) == 1:
            return parts[0]
        return self._draft.op("Concat", f"{place}_cache", parts, bits=bits, axis=cached.axis)

    def _mixed(self, place: str, queries: str, keys: str, values: str, mask: str) -> str:
        draft = self._draft
        scores = draft.op("MatMul", f"{place}_scores", [queries, keys])
        if self._arch.caps_scores:
            capped = draft.op("Tanh", f"{place}_softmax", [scores])
            scores = draft.op("Mul", f"{place}_softmax", [capped, draft.constant(f"{place}_cap", [1])])
        seen = draft.op("Add", f"{place}_softmax", [scores, mask])
        shares = draft.op("Softmax", f"{place}_softmax", [seen], share=True, axis=-1)
        return draft.op("MatMul", f"{place}_mix", [shares, values])

    def _head_by_head(self, place: str, queries: str, cached: tuple[Cached, Cached], mask: str) -> str:
        mixed = []
        for pair in range(self._arch.kv_heads):
            key, value = (self._joined(place, each, pair) for each in cached)
            for head in range(pair * self._arch.group, (pair + 1) * self._arch.group):
                query = self._slice(f"{place}_scores", queries, head, head + 1, axis=1)
                mixed.append(self._mixed(place, query, key, value, mask))
        return self._draft.op("Concat", f"{place}_mix", mixed, axis=1)

    def _reshaped(self, name: str, tensor: str, dims: list[int]) -> str:
        return self._draft.op("Reshape", name, [tensor, self._draft.numbers(f"{name}_shape", dims)])

    def _slice(
        self, name: str, tensor: str, start: int, end: int, axis: int = 3, bits: int | None = None
    ) -> str:
        places = [self._draft.numbers(f"{name}_slice", [place]) for place in (start, end, axis)]
        return self._draft.op("Slice", name, [tensor, *places], bits=bits)


def normalised(draft: Draft, name: str, tensor: str, width: int) -> str:
    """Divide the tensor by the root of its mean square over the last axis."""
    gain = draft.constant(f"{name}_gain", [width])
    return draft.op("RMSNormalization", name, [tensor, gain], axis=-1, epsilon=1e-5)
