"""How near a network's outputs on the HTP are to those that ONNX Runtime computes of its ONNX from the same inputs."""

from __future__ import annotations

from pydantic import Field

from qhas.documents import Stored
from qhas.outside_text import ShownText


class OutputAccuracy(Stored):
    """One output, all values of an inference together."""

    name: ShownText
    shape: tuple[int, ...] = Field(description="As the ONNX has it.")
    cosine: float
    sqnr_db: float
    max_abs_error: float
    order: tuple[int, ...] | None = Field(
        default=None, description="Of axes: how the output was transposed to be the ONNX's; None: it was not."
    )
    left_out: int = Field(default=0, description="Values that are no finite numbers in the ONNX's output.")


class Accuracy(Stored):
    """The figures of a cell: of its worst output each. Without figures `why` says why there are none."""

    cosine: float | None = None
    sqnr_db: float | None = None
    max_abs_error: float | None = None
    top1_percent: float | None = Field(
        default=None, description="Of classifiers: how often the best class is the ONNX's best."
    )
    top5_percent: float | None = Field(
        default=None, description="Of classifiers: how often the ONNX's best class is among the best five."
    )
    outputs: list[OutputAccuracy] = []
    reference: str | None = Field(default=None, description="Digest of the ONNX.")
    runtime: str | None = Field(
        default=None, description="What computed the reference, as in onnxruntime 1.24."
    )
    why: ShownText = Field(default="", description="Why there are no figures.")


def accuracy_of(
    outputs: list[OutputAccuracy], top: tuple[float, float | None] | None, reference: str, runtime: str
) -> Accuracy:
    """The figures of a cell with these outputs, at least one; `top` are the percentages of a classifier."""
    return Accuracy(
        cosine=min(output.cosine for output in outputs),
        sqnr_db=min(output.sqnr_db for output in outputs),
        max_abs_error=max(output.max_abs_error for output in outputs),
        top1_percent=top[0] if top else None,
        top5_percent=top[1] if top else None,
        outputs=outputs,
        reference=reference,
        runtime=runtime,
    )
