"""How the axes of a tensor on the HTP correspond to those of the ONNX: unchanged, or with the channels last.

The vendor's converter puts channels last, in inputs, outputs and inner tensors; the host SDK leaves them in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

Shape = Sequence[int]


class Arrangement(NamedTuple):
    """A tensor of `shape` whose values, transposed by `order` unless that is None, are in the other tensor's order."""

    shape: tuple[int, ...]
    order: tuple[int, ...] | None = None

    def applied(self, values: NDArray[Any], wanted: Shape) -> NDArray[Any]:
        """Return the values in the other tensor's arrangement."""
        placed = values.reshape(self.shape)
        return (placed.transpose(self.order) if self.order else placed).reshape(wanted)


def arrangements(shape: Shape, wanted: Shape) -> list[Arrangement]:
    """Return every way in which a tensor of one shape may be one of the other, unchanged first; none if it cannot be.

    Axes of size 1 do not count. With as many channels as rows there is more than one way, and the values decide.
    """
    same = [Arrangement(tuple(shape))] if _proper(shape) == _proper(wanted) else []
    return same + [
        Arrangement(tuple(shape), order)
        for order in _orders(len(shape))
        if [shape[axis] for axis in order] == list(wanted) and not _keeps_values(shape, order)
    ]


def settled_as(dimensions: Sequence[int | str], shape: Shape) -> tuple[int, ...] | None:
    """Return the sizes of a tensor with open dimensions if it is one of `shape`; None if it cannot be one."""
    for order in (tuple(range(len(shape))), *_orders(len(shape))):
        sizes = tuple(shape[axis] for axis in order)
        if len(sizes) == len(dimensions) and all(
            isinstance(wanted, str) or wanted == size for wanted, size in zip(dimensions, sizes, strict=True)
        ):
            return sizes
    return None


def _orders(rank: int) -> Iterable[tuple[int, ...]]:
    """Return the axis orders that move the channels from last to first, and from first to last."""
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
    """Return the shape for display: `1 x 3 x 224 x 224`, or `1` for a single value."""
    return " x ".join(map(str, shape)) or "1"
