"""A projection as an op of the HTP: a MatMul of tokens by weights, or a 1x1 convolution over the tokens."""

from __future__ import annotations

from qhas.llm.draft import Draft
from qhas.network.recipe import Projections, Recipe


class Projector:
    """Draws projections of `tokens` in one form. Input and output tensors are [1, tokens, width]."""

    def __init__(self, draft: Draft, recipe: Recipe, tokens: int) -> None:
        self._draft = draft
        self._recipe = recipe
        self._tokens = tokens

    def project(
        self, name: str, tensor: str, width: int, to: int, *, bits: int | None = None, bias: bool = False
    ) -> str:
        """Project a tensor of `width` to another width, in the recipe's bit width or the given one."""
        draft, bits = self._draft, bits or self._recipe.weights
        if self._recipe.projections is Projections.CONV:
            weight = draft.weight(f"{name}_weight", [to, width, 1, 1], bits, axis=0)
            image = draft.op("Conv", name, [self._to_image(name, tensor, width), weight])
            projected = self._from_image(name, image, to)
        else:
            weight = draft.weight(f"{name}_weight", [width, to], bits, axis=1)
            projected = draft.op("MatMul", name, [tensor, weight])
        return (
            draft.op("Add", f"{name}_bias", [projected, draft.constant(f"{name}_bias", [to])])
            if bias
            else projected
        )

    def _to_image(self, name: str, tensor: str, width: int) -> str:
        shape = self._draft.numbers(f"{name}_shape", [1, 1, self._tokens, width])
        rows = self._draft.op("Reshape", f"{name}_rows", [tensor, shape])
        return self._draft.op("Transpose", f"{name}_image", [rows], perm=[0, 3, 1, 2])

    def _from_image(self, name: str, image: str, width: int) -> str:
        rows = self._draft.op("Transpose", f"{name}_back", [image], perm=[0, 2, 3, 1])
        shape = self._draft.numbers(f"{name}_shape", [1, self._tokens, width])
        return self._draft.op("Reshape", f"{name}_flat", [rows, shape])
