"""What each layer of a network loses, as it is reported and printed."""

from __future__ import annotations

import math

from qhas.documents import Stored
from qhas.outside_text import ShownText


class Nearness(Stored):
    """How close a tensor is to what it should be."""

    cosine: float
    sqnr_db: float


class Layer(Stored):
    """The layer that computes a tensor: all operations since the examined tensors before it."""

    tensor: ShownText
    nodes: list[ShownText] = []
    """Its nodes in order, the last of which computes the tensor; unnamed ones by their output. Empty for an input."""
    types: list[ShownText] = []
    own: Nearness | None = None
    """Compared with ONNX Runtime's result from the layer's inputs on the emulator: what the layer itself loses."""
    total: Nearness | None = None
    """Compared with ONNX Runtime's result from the network's inputs: what is lost up to this layer."""
    why: ShownText = ""
    """What is wrong with its values if they cannot be compared."""

    @property
    def rank(self) -> float:
        """A sort key that is smallest for the worst layer."""
        return self.own.sqnr_db if self.own else -math.inf


class Layers(Stored):
    """All examined layers of a cell, worst first, and the tensors that were not examined."""

    layers: list[Layer]
    left_out: list[ShownText] = []
    """Tensors of the network that are absent on the HTP, or are different ones there."""
