"""How the axes of a tensor on the HTP lie to those of the ONNX: as they are, or with the channels last.

The vendor's converter puts channels last, in inputs, outputs and between; the host SDK leaves them where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = Sequence[int]


class Arrangement(NamedTuple):
    """A tensor of `shape`, transposed by `order`, or as it is without, has the values of the other in their order."""

    shape: tuple[int, ...]
    order: tuple[int, ...] | None = None

    def applied(self, values: NDArray[Any], wanted: Shape) -> NDArray[Any]:
        """The values as the other tensor has them."""
        placed = values.reshape(self.shape)
        return (placed.transpose(self.order) if self.order else placed).reshape(wanted)


def arrangements(shape: Shape, wanted: Shape) -> list[Arrangement]:
    """Every way in which a tensor of a shape may be one of the other, as it is first; none for another number of values.

    Axes of one value do not count. With channels as many as rows there is more than one way, and the values decide.
    """
    same = [Arrangement(tuple(shape))] if _proper(shape) == _proper(wanted) else []
    return same + [
        Arrangement(tuple(shape), order)
        for order in _orders(len(shape))
        if [shape[axis] for axis in order] == list(wanted) and not _keeps_values(shape, order)
    ]


def settled_as(dimensions: Sequence[int | str], shape: Shape) -> tuple[int, ...] | None:
    """The numbers that a tensor of open dimensions has if it is one of `shape`; None if it cannot be one."""
    for order in (tuple(range(len(shape))), *_orders(len(shape))):
        sizes = tuple(shape[axis] for axis in order)
        if len(sizes) == len(dimensions) and all(
            isinstance(wanted, str) or wanted == size for wanted, size in zip(dimensions, sizes, strict=True)
        ):
            return sizes
    return None


def _orders(rank: int) -> Iterable[tuple[int, ...]]:
    """Channels from last to first, and from first to last."""
    if rank < 3:
        return ()
    return dict.fromkeys(((0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)))


def _proper(shape: Shape) -> list[int]:
    return [size for size in shape if size != 1]


def _keeps_values(shape: Shape, order: Sequence[int]) -> bool:
    """Whether the transposition moves no value."""
    moved = [axis for axis in order if shape[axis] != 1]
    return moved == sorted(moved)


def joined(shape: Iterable[int | str]) -> str:
    """For people: `1 x 3 x 224 x 224`, `1` for a lone value."""
    return " x ".join(map(str, shape)) or "1"
