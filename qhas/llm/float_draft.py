"""A block of floats with weights of its own: what is quantised later, and what quantised outputs are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qhas.llm.draft import Draft

Values = Callable[[str, Sequence[int]], Any]
"""The values of a node, by its name and dimensions."""


class FloatDraft(Draft):
    """Draws the same nodes, and no pairs that quantise."""

    def __init__(self, values: Values) -> None:
        super().__init__(16)
        self._values = values

    def input(self, name: str, dims: Sequence[int], bits: int | None = None) -> str:  # noqa: ARG002  # of the draft's own words
        """An input of floats."""
        self._inputs.append(self._helper.make_tensor_value_info(name, self._types.FLOAT, dims))
        return name

    def output(self, name: str, tensor: str, dims: Sequence[int], bits: int | None = None) -> None:  # noqa: ARG002  # of the draft's own words
        """Make a tensor an output."""
        self._node("Identity", [tensor], name)
        self._outputs.append(self._helper.make_tensor_value_info(name, self._types.FLOAT, dims))

    def quantised(self, tensor: str, bits: int | None = None, *, share: bool = False) -> str:  # noqa: ARG002  # of the draft's own words
        """The tensor as it is."""
        return tensor

    def constant(self, name: str, dims: Sequence[int]) -> str:
        """A tensor of its own values."""
        value, name = self._values(name, dims), self._unused(name)
        self._constants.append(
            self._helper.make_tensor(name, self._types.FLOAT, dims, value.tobytes(), raw=True)
        )
        return name

    def weight(self, name: str, dims: Sequence[int], bits: int, axis: int) -> str:  # noqa: ARG002  # of the draft's own words
        """Weights of its own values."""
        return self.constant(name, dims)
