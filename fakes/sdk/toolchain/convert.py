"""snpe-onnx-to-dlc and qairt-converter: write a DLC with the inputs, outputs and nodes of an ONNX network."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .container import Dlc, Model, Tensor
from .faults import Fault, Tool
from .options import Kind, Option, UsageError, flags, values
from .session import Session, ToolError

_QNN_TYPES = {
    "Add": "ElementWiseAdd",
    "AveragePool": "PoolAvg2d",
    "Conv": "Conv2d",
    "Gemm": "FullyConnected",
    "GlobalAveragePool": "PoolAvg2d",
    "MaxPool": "PoolMax2d",
    "Mul": "ElementWiseMultiply",
    "Relu": "ElementWiseNeuron",
}
"""The vendor's converter's names for the most common op types; the others keep their names."""
_SHAPE_OPTIONS = {Tool.CONVERTER: "input_dim", Tool.QAIRT_CONVERTER: "source_model_input_shape"}


def options(session: Session) -> list[Option]:
    """Return the tool's options; the newer converter has a different one for shapes."""
    return [
        *values("input_network", "output_path"),
        Option(_SHAPE_OPTIONS[session.tool], Kind.PAIR, repeatable=True),
        *flags("verbose"),
    ]


def run(session: Session, given: Mapping[str, str]) -> None:
    """Convert the network. Raises ToolError with the errors of the vendor's Python programs."""
    if "input_network" not in given:
        raise UsageError("the following arguments are required: --input_network")
    source = Path(given["input_network"])
    target = Path(given.get("output_path", source.with_suffix(".dlc")))
    session.begin([], [source.stem])
    model = _model(source, _shapes(given.get(_SHAPE_OPTIONS[session.tool], "")))
    if session.fault is not Fault.NO_NETWORK:
        target.write_bytes(Dlc(model).to_bytes())
    print(f"INFO - Model conversion complete!\nINFO - INFO_WRITE_SUCCESS: {target}")


def _shapes(text: str) -> dict[str, tuple[int, ...]]:
    pairs = (line.rsplit(" ", 1) for line in text.splitlines())
    return {name: tuple(int(size) for size in sizes.split(",")) for name, sizes in pairs}


def _model(source: Path, shapes: Mapping[str, tuple[int, ...]]) -> Model:
    reader: Any = importlib.import_module(".onnx_file", __package__)  # copied beside the tools
    try:
        graph = reader.read_onnx(source)
    except (OSError, ValueError) as error:
        raise ToolError(f"ERROR - Encountered Error: {error}") from None
    inputs = [Tensor(each.name, shapes.get(each.name) or _numbers(each)) for each in graph.inputs]
    outputs = [
        Tensor(each.name, tuple(size or 1 for size in each.dimensions if isinstance(size, int)))
        for each in graph.outputs
    ]
    nodes = tuple(
        (node.name or node.outputs[0], _QNN_TYPES.get(node.type, node.type)) for node in graph.nodes
    )
    ends = (("input", "Input"), *nodes, ("output", "Output"))
    return Model(source.stem, ends, tuple(inputs), tuple(outputs))


def _numbers(tensor: Any) -> tuple[int, ...]:
    if tensor.is_open:
        raise ToolError(
            f"ERROR - Encountered Error: input {tensor.name} has a dynamic dimension; use --input_dim"
        )
    return tuple(tensor.dimensions)
