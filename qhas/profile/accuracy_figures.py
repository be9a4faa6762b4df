"""The accuracy figures, which are part of the table in `qhas.profile.figures`."""

from __future__ import annotations

from collections.abc import Callable

from qhas.profile.accuracy import Accuracy
from qhas.profile.figure import BOTH, Figure, Profiled, Unit

_TELLING_DECIBELS = 3.0


def _accuracy(read: Callable[[Accuracy], float | None]) -> Callable[[Profiled], float | None]:
    return lambda profiled: read(profiled.accuracy) if profiled.accuracy else None


def _rounded(value: float | None, digits: int) -> float | None:
    """Round off the digits that differ from host to host and mean nothing."""
    return None if value is None else round(value, digits)


COSINE = Figure(
    name="cosine",
    title="cosine to ONNX Runtime",
    short="cosine",
    words="cosine",
    unit=Unit.RATIO,
    read=_accuracy(lambda accuracy: _rounded(accuracy.cosine, 6)),
    meaning="Cosine similarity of the outputs to ONNX Runtime's in floats, over all compared inferences, for the worst output.",
    whole=False,
    less_is_better=False,
    judged=BOTH,
    column="cosine",
    budget="cosine",
    tile=True,
    compared=True,
)
SQNR = Figure(
    name="sqnr_db",
    title="SQNR to ONNX Runtime",
    short="SQNR",
    words="SQNR",
    unit=Unit.DECIBELS,
    read=_accuracy(lambda accuracy: _rounded(accuracy.sqnr_db, 1)),
    meaning="Power of ONNX Runtime's outputs over that of the difference, in dB, over all compared inferences, for the worst output; 200 if there is no difference.",
    telling=0.0,
    telling_at_least=_TELLING_DECIBELS,
    whole=False,
    less_is_better=False,
    judged=BOTH,
    column="sqnr_db",
    budget="sqnr_db",
    tile=True,
    compared=True,
)
MAX_ERROR = Figure(
    name="max_abs_error",
    title="largest error to ONNX Runtime",
    short="largest error",
    words="largest error",
    unit=Unit.VALUE,
    read=_accuracy(lambda accuracy: accuracy.max_abs_error),
    meaning="Largest absolute difference of an output's value from ONNX Runtime's.",
    whole=False,
    column="max_abs_error",
    budget="max_abs_error",
    tile=True,
    compared=True,
)
TOP_1 = Figure(
    name="top1_percent",
    title="top-1 agreement",
    unit=Unit.PERCENT,
    read=_accuracy(lambda accuracy: accuracy.top1_percent),
    meaning="For a classifier: rows of the output whose best class is ONNX Runtime's.",
    whole=False,
    less_is_better=False,
    column="top1_percent",
    budget="top1_percent",
    tile=True,
    compared=True,
)
TOP_5 = Figure(
    name="top5_percent",
    title="top-5 agreement",
    unit=Unit.PERCENT,
    read=_accuracy(lambda accuracy: accuracy.top5_percent),
    meaning="For a classifier: rows of the output that have ONNX Runtime's best class among their best five.",
    whole=False,
    less_is_better=False,
    column="top5_percent",
    budget="top5_percent",
    tile=True,
    compared=True,
)
ACCURACY_INPUTS = Figure(
    name="accuracy_inputs",
    title="inputs of accuracy",
    unit=Unit.COUNT,
    read=_accuracy(lambda accuracy: accuracy.inferences if accuracy.cosine is not None else None),
    meaning="Number of inferences the accuracy figures cover; empty if there are no such figures, and 1 in older histories.",
    less_is_better=None,
    column="accuracy_inputs",
    compared=True,
)
