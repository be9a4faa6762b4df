"""ONNX Runtime's complaint about a network becomes a sentence that says what to do."""

from __future__ import annotations

import pytest

from hostsdk.native.reasons import reason_of

LOAD = "[ONNXRuntimeError] : 1 : FAIL : Load model from /tmp/net.onnx failed:"
SOURCE = "/onnxruntime_src/onnxruntime/core/graph/model.cc:256 onnxruntime::Model::Model(onnx::ModelProto&&, const int&) "


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            f"{LOAD}{SOURCE}Unsupported model IR version: 99, max supported IR version: 14",
            "its IR version is 99, and this ONNX Runtime reads up to 14: ",
        ),
        (
            f"{LOAD}ONNX Runtime only *guarantees* support. Opset 99 is under development and support for this is limited. "
            "Current official support for domain ai.onnx is till opset 28.",
            "its opset of ai.onnx is 99, and this ONNX Runtime supports up to 28: ",
        ),
        (
            f"{LOAD}This is an invalid model. Type Error: Type 'tensor(bfloat16)' of input parameter (x) of operator (Conv) in node "
            "(first/conv) is invalid.",
            "Conv (first/conv) does not support bfloat16: ",
        ),
        (
            "Node 'conv_token_1' OpType:Conv with domain:com.ms.internal.nhwc was inserted using the NHWC format as requested "
            "by QNN, but was not selected by that EP. This means the graph is now invalid",
            "the HTP does not support Conv (conv) in this form: ",
        ),
        (
            "[ONNXRuntimeError] : 9 : NOT_IMPLEMENTED : Could not find an implementation for Relu(14) node with name 'relu'",
            "ONNX Runtime has no Relu (relu) for its input's data type: put a Cast to float32 before it",
        ),
        (
            f"{LOAD}Node (sm) Op (Softmax) [ShapeInferenceError] 'axis' must be in [-4 , 3]. Its actual value is: 7.",
            "Softmax (sm) does not fit its inputs ('axis' must be in [-4 , 3]. Its actual value is: 7): correct it",
        ),
        (
            "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Conv node. Name:'stem' Status Message: "
            "Input channels C is not equal to kernel channels * group. C: 7 kernel channels: 8 group: 1",
            "Conv (stem) cannot be computed (Input channels C is not equal to kernel channels * group. C: 7",
        ),
        (f"{LOAD}This is an invalid model. Error: two heads.", "Error: two heads."),
        (f"{LOAD}{SOURCE}It is cold.", "It is cold."),
    ],
)
def test_a_reason_is_told_without_what_is_the_runtimes_own(text: str, sentence: str) -> None:
    assert reason_of(RuntimeError(text)).startswith(sentence)
