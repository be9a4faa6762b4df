"""A block in floating point with given weights: quantised later, and the reference for the quantised outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qhas.llm.draft import Draft

Values = Callable[[str, Sequence[int]], Any]
"""Returns the values of a node, given its name and dimensions."""


class FloatDraft(Draft):
    """Draws the same nodes without the pairs that quantise."""

    def __init__(self, values: Values) -> None:
        super().__init__(16)
        self._values = values

    def input(self, name: str, dims: Sequence[int], bits: int | None = None) -> str:  # noqa: ARG002  # signature of Draft
        """Add an input of floats."""
        self._inputs.append(self._helper.make_tensor_value_info(name, self._types.FLOAT, dims))
        return name

    def output(self, name: str, tensor: str, dims: Sequence[int], bits: int | None = None) -> None:  # noqa: ARG002  # signature of Draft
        """Make a tensor an output."""
        self._node("Identity", [tensor], name)
        self._outputs.append(self._helper.make_tensor_value_info(name, self._types.FLOAT, dims))

    def quantised(self, tensor: str, bits: int | None = None, *, share: bool = False) -> str:  # noqa: ARG002  # signature of Draft
        """Return the tensor unchanged."""
        return tensor

    def constant(self, name: str, dims: Sequence[int]) -> str:
        """Add a tensor with the values given for its name."""
        value, name = self._values(name, dims), self._unused(name)
        self._constants.append(
            self._helper.make_tensor(name, self._types.FLOAT, dims, value.tobytes(), raw=True)
        )
        return name

    def weight(self, name: str, dims: Sequence[int], bits: int, axis: int) -> str:  # noqa: ARG002  # signature of Draft
        """Add weights with the values given for their name."""
        return self.constant(name, dims)
