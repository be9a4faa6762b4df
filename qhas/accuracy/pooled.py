"""An output of a network, compared with its reference over all inferences."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qhas.accuracy.agreement import BestClasses, Sums, are_classes
from qhas.accuracy.layout import Arrangement, Shape, arrangements, joined
from qhas.profile.accuracy import OutputAccuracy

_BYTES = 4
"""Size of a float32."""
_DIGITS = 9
"""Digits of a cosine: those beyond depend on the order of summation."""


class PooledOutput:
    """An output's sums over inferences; the values are dropped, so memory holds those of one inference at a time."""

    def __init__(self, name: str, shape: Shape | None) -> None:
        """`shape` is the output's shape on the HTP, or None if it is not stated."""
        self.name = name
        self._on_htp = shape
        self._shape: tuple[int, ...] = ()
        self._readings: list[_Reading] = []
        self._inferences = 0

    def add(self, wanted: NDArray[Any], content: NDArray[np.uint8]) -> None:
        """Add the reference's values and the bytes of the HTP's.

        Raises ValueError if they are of different tensors.
        """
        place = f"output {self.name}{f' of inference {self._inferences + 1}' if self._inferences else ''}"
        if content.size != _BYTES * wanted.size:
            raise ValueError(
                f"{place} has {content.size} bytes, but {joined(wanted.shape)} float32 values in the ONNX"
            )
        if not self._inferences:
            self._shape = wanted.shape
            self._readings = [_Reading(way) for way in self._ways(place)]
        values = content.view(np.float32)
        try:
            for reading in self._readings:
                reading.add(wanted, reading.way.applied(values, wanted.shape))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        self._inferences += 1

    def _ways(self, place: str) -> list[Arrangement]:
        if self._on_htp is None:
            return [Arrangement(self._shape)]
        ways = arrangements(self._on_htp, self._shape)
        if not ways:
            raise ValueError(
                f"{place} has {joined(self._on_htp)} values on the HTP, but {joined(self._shape)} in the ONNX"
            )
        return ways

    @property
    def accuracy(self) -> OutputAccuracy:
        """The accuracy over all inferences, in the arrangement in which the output is closest."""
        nearest, several = self._nearest, self._inferences > 1
        best, (worst, worst_db) = nearest.sums.agreement, nearest.worst
        return OutputAccuracy(
            name=self.name,
            shape=self._shape,
            cosine=round(best.cosine, _DIGITS),
            sqnr_db=round(best.sqnr_db, 3),
            max_abs_error=float(f"{best.max_abs_error:.6g}"),
            order=nearest.way.order,
            left_out=best.left_out,
            worst_input=worst if several else None,
            worst_sqnr_db=round(worst_db, 3) if several else None,
        )

    @property
    def best_classes(self) -> tuple[float, float | None] | None:
        """Percentages of a classifier; None if the output is not a classifier's."""
        classes = self._nearest.classes
        return classes.percent if classes else None

    @property
    def _nearest(self) -> _Reading:
        return max(self._readings, key=lambda reading: reading.sums.agreement.sqnr_db)


class _Reading:
    """One way in which the values may be arranged."""

    def __init__(self, way: Arrangement) -> None:
        self.way = way
        self.sums = Sums()
        self.decibels: list[float] = []
        self.classes: BestClasses | None = None

    def add(self, wanted: NDArray[Any], values: NDArray[Any]) -> None:
        here = Sums()
        here.add(wanted, values)
        self.sums.join(here)
        self.decibels.append(here.agreement.sqnr_db)
        if are_classes(wanted.shape):
            self.classes = self.classes or BestClasses()
            self.classes.add(wanted, values)

    @property
    def worst(self) -> tuple[int, float]:
        """The number of the worst inference, from 1, and its SQNR."""
        return min(enumerate(self.decibels, 1), key=lambda each: each[1])
