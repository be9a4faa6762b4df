"""Integer inputs and outputs of a quantised network: its results stay the same to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from qhas.advise.exactness import Reference
from qhas.advise.layout import channel_last_inputs
from qhas.advise.onnx_graph import OnnxGraph
from qhas.advise.quantised import Step, quantised_inputs, quantised_outputs, steps_of_ends
from tests.qhas.advise.test_rewrites import IMAGE, Net, quantised

pytestmark = pytest.mark.hostsdk


@pytest.mark.parametrize(
    ("rewrites", "types"),
    [
        ([quantised_inputs], (TensorProto.UINT8, TensorProto.FLOAT)),
        ([quantised_outputs], (TensorProto.FLOAT, TensorProto.UINT8)),
        ([quantised_inputs, quantised_outputs, channel_last_inputs], (TensorProto.UINT8, TensorProto.UINT8)),
    ],
    ids=["input", "output", "both, and channel-last"],
)
def test_ends_become_whole_numbers_and_nothing_else_changes(
    rewrites: list[object], types: tuple[int, int], tmp_path: Path
) -> None:
    model = quantised().model()
    before, after = tmp_path / "before.onnx", tmp_path / "after.onnx"
    onnx.save(model, str(before))
    graph = OnnxGraph(type(model).FromString(model.SerializeToString()))
    assert [rewrite(graph) for rewrite in rewrites] == [1] * len(rewrites)  # type: ignore[operator]
    onnx.save(made := graph.tidied(), str(after))
    ends = (*made.graph.input, *made.graph.output)
    assert tuple(value.type.tensor_type.elem_type for value in ends) == types
    assert Reference(before, steps_of_ends(OnnxGraph(model))).error_of(after) == 0


@pytest.mark.parametrize(
    "net",
    [
        quantised(per_channel=True),
        Net(IMAGE).weights("w", 8, 3, 3, 3).op("Conv", "x w", "y", pads=[1, 1, 1, 1]),
        quantised().op("Relu", "x", "other"),
    ],
    ids=["a scale a channel", "a float network", "floats are read elsewhere too"],
)
def test_what_the_application_cannot_quantise_stays(net: Net) -> None:
    assert quantised_inputs(OnnxGraph(net.model())) == 0


def test_an_output_that_the_network_reads_itself_stays() -> None:
    net = Net(IMAGE, outputs=("y", "again")).constant("s", np.float32(0.02)).constant("z", np.uint8(128))
    net.op("QuantizeLinear", "x s z", "q").op("DequantizeLinear", "q s z", "y").op("Relu", "y", "again")
    assert quantised_outputs(OnnxGraph(net.model())) == 0


def test_values_are_rounded_and_clipped_as_the_network_does() -> None:
    step = Step(np.float32(0.5), np.uint8(10))
    assert step.whole(np.array([0.25, 0.75, -9.0, 999.0], np.float32)).tolist() == [10, 12, 0, 255]
    assert step.real(np.array([10, 12], np.uint8)).tolist() == [0.0, 1.0]
