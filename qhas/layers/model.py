"""What each layer of a network loses, as it is told and printed."""

from __future__ import annotations

import math

from qhas.documents import Stored
from qhas.outside_text import ShownText


class Nearness(Stored):
    """How near a tensor is to what it should be."""

    cosine: float
    sqnr_db: float


class Layer(Stored):
    """The layer that makes a tensor: all operations since those tensors that are looked at before it."""

    tensor: ShownText
    nodes: list[ShownText] = []
    """In their order, the last one makes the tensor; those without a name by their output's. None for an input."""
    types: list[ShownText] = []
    own: Nearness | None = None
    """Against ONNX Runtime's from the values that the layer had on the emulator: what it loses itself."""
    total: Nearness | None = None
    """Against ONNX Runtime's from the network's inputs: what is lost up to here."""
    why: ShownText = ""
    """What is wrong with its values where they cannot be compared."""

    @property
    def rank(self) -> float:
        """Small for what is worst."""
        return self.own.sqnr_db if self.own else -math.inf


class Layers(Stored):
    """All layers of a cell that were looked at, the worst first, and the tensors that were not."""

    layers: list[Layer]
    left_out: list[ShownText] = []
    """Tensors of the network that are not there on the HTP, or are other ones there."""
