"""Job: quantise a float ONNX network to QDQ, by ONNX Runtime's quantiser with its rules for the QNN provider.

Request: onnx, inputs, symbols, batch (as for `convert`), list (the lines of an input list: absolute paths of files of
float32 values by input name), weights (bits) and activations (bits, or `mixed`: 8, and 16 where the outputs lose most
by 8). Result: onnx (a path in the working directory), data (the file of its weights if the network had them in a
separate one, else null), and for `mixed` lifted (the activations in 16 bits) and activations (how many there are in
all).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hostsdk.calibration import ranges_as_they_come
from hostsdk.errors import ErrorCode, ToolError
from hostsdk.native.assignment import onnx_graph, unregistered
from hostsdk.native.data_files import has_data_files
from hostsdk.native.folding import fold
from hostsdk.native.job import Reply
from hostsdk.native.network import Shapes, ready
from hostsdk.native.reasons import reason_of
from hostsdk.native.remedies import refusal
from hostsdk.native.sensitivity import sensitive_activations
from hostsdk.native.tensor_files import Inputs, inputs_of
from hostsdk.native.written_out import OF_16_BITS, write_out

MIXED = "mixed"
_COMPONENT = "Quantizer"
_NORMS = frozenset({"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"})
_TYPED_AS_THEIR_INPUT = frozenset(
    {"Gelu", "FastGelu", "QuickGelu", "BiasGelu", "SimplifiedLayerNormalization"}
)
"""Operations of ONNX Runtime's own whose output has the type and shape of their first input."""
_WEIGHTS = "network.onnx.data"
_PREPROCESSED = "preprocessed.onnx"


def quantise(request: dict[str, Any], reply: Reply) -> None:
    """Run the job in the working directory, which should be empty."""
    shapes = Shapes(request["inputs"], request["symbols"], request["batch"])
    source, recurrent = ready(Path(request["onnx"]), Path.cwd(), shapes)
    if recurrent:
        raise refusal(recurrent, onnx_graph(str(source)))
    try:
        quantised, lifted, activations = _quantised(source, request)
    except ToolError:
        raise
    except (
        Exception
    ) as error:  # the exceptions of the quantiser, ONNX Runtime and protobuf have no common class
        raise _explained(source, Path(request["onnx"]).name, error) from error
    data = Path(_WEIGHTS)
    reply.result(
        onnx=str(quantised),
        data=str(data.resolve()) if data.is_file() else None,
        lifted=lifted,
        activations=activations,
    )


def _explained(source: Path, name: str, error: Exception) -> ToolError:
    """Return an error naming unregistered operations if they are the cause, else with the tools' own text."""
    unusable = ToolError(
        ErrorCode.MODEL_LOAD, f"ONNX Runtime cannot quantise {name}: {reason_of(error)}", _COMPONENT
    )
    try:
        graph = onnx_graph(str(source))
    except Exception:  # the parser's own exceptions
        return unusable
    unknown = unregistered(graph, str(error))
    return refusal(unknown, graph) if unknown else unusable


def _quantised(source: Path, request: Mapping[str, Any]) -> tuple[Path, list[str], int]:
    from onnxruntime.quantization import QuantType, quantize
    from onnxruntime.quantization.execution_providers.qnn import get_qnn_qdq_config, qnn_preprocess_model

    large = has_data_files(source)
    folded = fold(source, Path("folded.onnx"), "folded.data" if large else None)
    if request["activations"] != 8:
        _write_out(folded)
    preprocessed = Path(_PREPROCESSED)
    changed = qnn_preprocess_model(
        folded, preprocessed, fuse_layernorm=True, save_as_external_data=large, all_tensors_to_one_file=True
    )
    network = preprocessed if changed else folded
    _give_types(network)
    inputs, lines = inputs_of(network), request["list"]
    lifted, activations = (
        sensitive_activations(network, inputs.feed(lines[0])) if request["activations"] == MIXED else ([], 0)
    )
    overrides = dict.fromkeys(_scales_of_norms(network), QuantType.QUInt8)
    overrides |= dict.fromkeys(lifted, QuantType.QUInt16)
    config = get_qnn_qdq_config(
        network,
        _Reader(inputs, lines),
        activation_type=QuantType.QUInt16 if request["activations"] == 16 else QuantType.QUInt8,
        weight_type={4: QuantType.QInt4, 8: QuantType.QInt8}[request["weights"]],
        init_overrides={name: [{"quant_type": kind}] for name, kind in overrides.items()},
    )
    config.use_external_data_format = large
    target = Path("quantised", "network.onnx")
    target.parent.mkdir()
    with ranges_as_they_come():
        quantize(network, target, config)
    for data in target.parent.glob("*.data"):
        data.rename(Path(_WEIGHTS))
    return target.resolve(), lifted, activations


def _write_out(network: Path) -> None:
    import onnx

    model = onnx.load(network, load_external_data=False)
    if write_out(model, network.parent, OF_16_BITS):
        onnx.save(model, network)


def _give_types(network: Path) -> None:
    """Declare every tensor's type: the quantiser leaves a tensor in float if ONNX infers no type for it.

    That happens after operations of ONNX Runtime's own, such as its GELU.
    """
    import onnx

    model = onnx.load(network, load_external_data=False)
    unknown = [
        number
        for number, node in enumerate(model.graph.node)
        if node.op_type in _TYPED_AS_THEIR_INPUT and not onnx.defs.has(node.op_type, node.domain)
    ]
    if not unknown:
        return
    known = onnx.load(network, load_external_data=False)
    for number in unknown:
        node = known.graph.node[number]
        node.op_type, node.domain = "Identity", ""
        del node.input[1:], node.output[1:], node.attribute[:]
    inferred = onnx.shape_inference.infer_shapes(known).graph
    del model.graph.value_info[:]
    model.graph.value_info.extend(inferred.value_info)
    onnx.save(model, network)


def _scales_of_norms(network: Path) -> set[str]:
    """Return the constant scales of normalisation layers.

    The HTP accepts only unsigned ones, and these have 8 bits even if the weights have 4.
    """
    import onnx

    graph = onnx.load(network, load_external_data=False).graph
    constants = {tensor.name for tensor in graph.initializer}
    return {
        name for node in graph.node if node.op_type in _NORMS for name in node.input[1:2] if name in constants
    }


class _Reader:
    """The calibration data, as the CalibrationDataReader that the quantiser expects."""

    def __init__(self, inputs: Inputs, lines: Sequence[Mapping[str, str]]) -> None:
        self._inputs = inputs
        self._lines = lines
        self._feeds = self._read()

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._feeds, None)

    def rewind(self) -> None:
        self._feeds = self._read()

    def _read(self) -> Iterator[dict[str, NDArray[np.generic]]]:
        return (self._inputs.feed(line) for line in self._lines)
