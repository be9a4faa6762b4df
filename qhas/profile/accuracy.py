"""How close a network's outputs on the HTP are to those ONNX Runtime computes from its ONNX and the same inputs.

The values of several inferences are treated as one tensor: SQNR is the power of all reference values over that of all
differences, the cosine is that of all values, and the error is the largest of all. For classifiers, the rows of all
inferences are counted.
"""

from __future__ import annotations

from pydantic import Field

from qhas.documents import Stored
from qhas.outside_text import ShownText


class OutputAccuracy(Stored):
    """The accuracy of one output, over all values of all inferences."""

    name: ShownText
    shape: tuple[int, ...] = Field(description="As in the ONNX.")
    cosine: float
    sqnr_db: float
    max_abs_error: float
    order: tuple[int, ...] | None = Field(
        default=None,
        description="Order of axes by which the output was transposed to match the ONNX's; None: it was not transposed.",
    )
    left_out: int = Field(
        default=0, description="Values left out because they are not finite in the ONNX's output."
    )
    worst_input: int | None = Field(
        default=None, description="Number of the inference with the lowest SQNR if there are several, from 1."
    )
    worst_sqnr_db: float | None = Field(default=None, description="The SQNR of that inference alone.")


class Accuracy(Stored):
    """A cell's accuracy figures, each that of its worst output. If there are none, `why` says why."""

    cosine: float | None = None
    sqnr_db: float | None = None
    max_abs_error: float | None = None
    top1_percent: float | None = Field(
        default=None, description="For classifiers: how often the best class is the ONNX's best."
    )
    top5_percent: float | None = Field(
        default=None, description="For classifiers: how often the ONNX's best class is among the best five."
    )
    outputs: list[OutputAccuracy] = []
    inferences: int = Field(
        default=1,
        description="Number of inferences of the input list, from its first, that the figures cover.",
    )
    listed: int | None = Field(
        default=None, description="Number of inferences in the list, if the figures do not cover all."
    )
    reference: str | None = Field(default=None, description="Digest of the ONNX.")
    runtime: str | None = Field(
        default=None, description="What computed the reference, as in onnxruntime 1.24."
    )
    why: ShownText = Field(default="", description="Why there are no figures.")

    @property
    def over(self) -> str:
        """Which inputs the figures cover, as in `over 8 inputs` or `over the first 32 of 100 inputs`."""
        if self.listed:
            return f"over the first {self.inferences} of {self.listed} inputs"
        return f"over {self.inferences} inputs" if self.inferences > 1 else "over 1 input"


def accuracy_of(
    outputs: list[OutputAccuracy],
    top: tuple[float, float | None] | None,
    reference: str,
    runtime: str,
    *,
    inferences: int = 1,
    listed: int | None = None,
) -> Accuracy:
    """Return the accuracy of a cell with these outputs, at least one; `top` holds a classifier's percentages."""
    return Accuracy(
        cosine=min(output.cosine for output in outputs),
        sqnr_db=min(output.sqnr_db for output in outputs),
        max_abs_error=max(output.max_abs_error for output in outputs),
        top1_percent=top[0] if top else None,
        top5_percent=top[1] if top else None,
        outputs=outputs,
        inferences=inferences,
        listed=listed,
        reference=reference,
        runtime=runtime,
    )
