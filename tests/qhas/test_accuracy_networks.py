"""On the host SDK, accuracy matches a script of numpy and ONNX Runtime, and a planted wrong layer is found."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from qhas.direct import run_direct
from qhas.layers.measure import measure_layers
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.spec import SweepSpec
from tests.qhas.layers.test_cut_graph import IMAGE, network

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow]


def profiled(
    folder: Path, run_id: str, model: dict[str, str], **fields: object
) -> tuple[Site, list[CellRecord]]:
    site = Site(store=str(folder / "store"))
    models = [{"name": "net", "inputs": str(folder / "list.txt")} | model]
    run_direct(
        SweepSpec.model_validate({"name": "net", "models": models, "socs": ["sa8255"]} | fields), site, run_id
    )
    return site, load_run(Store(site.store), run_id)[1]


def test_figures_are_a_scripts_and_a_planted_layer_is_the_first(tmp_path: Path) -> None:
    path = network(tmp_path / "net.onnx")
    image = np.random.default_rng(8).normal(size=IMAGE).astype(np.float32)
    image.tofile(tmp_path / "image.raw")
    (tmp_path / "list.txt").write_text("image:=image.raw\n")
    (wanted,) = onnxruntime.InferenceSession(path).run(None, {"image": image})
    site, cells = profiled(
        tmp_path, "run-1", {"onnx": str(path)}, variants={"quantize": ["float", "w8a8", "w8a16"]}
    )
    store = Store(site.store)
    for cell in cells:
        artifact = cell.artifact("output_tensor")
        assert artifact
        content = gzip.decompress(store.read(keys.file(cell, artifact)) or b"")
        given = np.frombuffer(content, np.float32).reshape(wanted.shape).astype(np.float64)
        error = given - wanted
        assert cell.accuracy
        assert cell.accuracy.cosine == pytest.approx(
            (given * wanted).sum() / np.linalg.norm(given) / np.linalg.norm(wanted), abs=1e-6
        )
        assert cell.accuracy.sqnr_db == pytest.approx(
            10 * np.log10((wanted**2).sum() / (error**2).sum()), abs=0.01
        )
        assert cell.accuracy.max_abs_error == pytest.approx(np.abs(error).max(), rel=1e-4)
    planted = tmp_path / "planted.onnx"
    _double(next((tmp_path / "store" / "prepared").glob("*/*/network.onnx")), planted)
    _, (wrong,) = profiled(tmp_path, "run-2", {"onnx": str(planted), "reference": str(path)})
    first, *others = asyncio.run(measure_layers(wrong, site)).layers
    assert "conv_b" in first.nodes
    assert first.own
    assert first.own.sqnr_db < min(each.own.sqnr_db for each in others if each.own) - 3


def _double(quantised: Path, target: Path) -> None:
    """Write the network with the scale of one convolution's weights doubled."""
    model = onnx.load(quantised)
    makers = {node.output[0]: node for node in model.graph.node}
    convolution = next(node for node in model.graph.node if node.name == "conv_b")
    scale = makers[convolution.input[1]].input[1]
    constant = next(each for each in model.graph.initializer if each.name == scale)
    constant.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(constant) * 2, scale))
    onnx.save(model, target)
