"""The result: which part it is, and how much of the change it shows."""

from __future__ import annotations

from qhas.diff.model import DiffPart, Figure
from qhas.reproducer.search import ENOUGH
from qhas.units import signed_percent

_SHOWN = 6


class PartOp(DiffPart):
    """An op of the part, without its name."""

    type: str
    results: list[str]
    """Data type and shape of each, as in `UFixed8 1x56x56x64`."""


class Reproducer(DiffPart):
    """A change, and the part of the network that shows it."""

    ops: list[PartOp]
    of_ops: int
    """Number of ops in the network."""
    whole: Figure
    part: Figure
    why: str
    """The cause of the change in the part."""
    trials: int
    """Number of parts that were measured."""
    file: str

    @property
    def share(self) -> float:
        """The share of the network's change in percent that the part shows; 1 is all of it."""
        return (self.part.percent or 0.0) / (self.whole.percent or 1.0)

    @property
    def good(self) -> bool:
        """Whether the part is smaller than the network and shows enough."""
        return self.share >= ENOUGH and len(self.ops) < self.of_ops

    @property
    def sentence(self) -> str:
        """The result as shown to users."""
        types = [op.type for op in self.ops]
        more = f" and {len(types) - _SHOWN} more" if len(types) > _SHOWN else ""
        named = f" ({', '.join(types[:_SHOWN])}{more})"
        whole, part = (signed_percent(figure.percent) for figure in (self.whole, self.part))
        return f"{len(types)} of {self.of_ops} ops{named} show {part} where the network shows {whole}: {self.why}."
