"""Quantise a float network to 8 bits.

Batch normalisation is folded, ranges come from sample images, and quantise/dequantise pairs are put around every op.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from hostsdk.calibration import ranges_as_they_come
from hostsdk.quantiser_log import errors_only
from hostsdk.samples.images import image

_CALIBRATION_IMAGES = 3


@ranges_as_they_come()
@errors_only()  # the quantiser advises pre-processing, which is done here
def quantise(network: str, model: onnx.ModelProto, target: Path) -> None:
    """Write `model` to `target` with unsigned 8-bit activations and signed 8-bit weights, one scale per tensor."""
    from onnxruntime.quantization import (  # imported late: a sixth of the import time
        QuantFormat,
        QuantType,
        quantize_static,
    )

    with tempfile.TemporaryDirectory() as scratch:
        folded = Path(scratch) / "folded.onnx"
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folded)
        options.log_severity_level = 3
        ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        quantize_static(
            folded,
            target,
            _Images(network, model.graph.input[0].name),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=False,
        )


def calibration_images(network: str) -> Iterator[NDArray[np.float32]]:
    """Return the images from which the ranges of activations are computed."""
    return (image(network, "calibration", index) for index in range(_CALIBRATION_IMAGES))


class _Images:
    """The calibration images, as the CalibrationDataReader that the quantiser expects."""

    def __init__(self, network: str, input_name: str) -> None:
        self._batches = ({input_name: values} for values in calibration_images(network))

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)
