"""Small ONNX networks with which cells are compared, and the outputs that runs leave."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from qhas.cell.prepare import Prepared, prepare_graph
from qhas.cell.work import CellWork
from qhas.failures import Step
from tests.qhas.cell.workbench import Bench

OpenBench = Callable[..., AbstractAsyncContextManager[Bench]]
IMAGE = (1, 3, 4, 6)
MAP = (1, 2, 4, 6)
LAST = {"image": (1, 4, 6, 3)}, {"map": (1, 4, 6, 2)}


def write_network(path: Path, *, flat: bool = False) -> Path:
    """Write a convolution from `image` to `map` or, if `flat`, a classifier of 48 classes."""
    weights = np.random.default_rng(2).normal(size=(2, 3, 3, 3)).astype(np.float32)
    nodes = [helper.make_node("Conv", ["image", "w"], ["conv" if flat else "map"], pads=[1, 1, 1, 1])]
    if flat:
        nodes.append(helper.make_node("Flatten", ["conv"], ["map"]))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *IMAGE[1:]])],
        [helper.make_tensor_value_info("map", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def computed(networks: Path, name: str, image: NDArray[Any]) -> NDArray[Any]:
    session = onnxruntime.InferenceSession(networks / f"{name}.onnx", providers=["CPUExecutionProvider"])
    (values,) = session.run(None, {"image": image})
    return np.asarray(values)


async def fed(bench: Bench) -> tuple[Prepared, NDArray[Any]]:
    """Return a prepared graph and the values of its input in the HTP's layout."""
    prepared = await prepare_graph(bench.work)
    (file,) = (await bench.work.inputs(prepared.dlc)).files.values()
    return prepared, np.fromfile(file, np.float32)


def leave(work: CellWork, inference: int = 0, **outputs: NDArray[Any]) -> None:
    """Write the outputs of an inference, the first as the profiled run leaves them, the others as the run after it."""
    step = Step.OUTPUTS if inference else Step.LOGS
    work.folders[step] = work.directory / step
    folder = work.folders[step] / f"Result_{max(0, inference - 1)}"
    folder.mkdir(parents=True)
    for name, values in outputs.items():
        values.astype(np.float32).tofile(folder / f"{name}.raw")
