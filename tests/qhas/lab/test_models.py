"""The networks of a run are fetched once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes.records import model
from qhas.failures import FailureKind, StepFailed
from qhas.lab.models import Models
from qhas.sweep.spec import ModelRef
from tests.onnx_bytes import field


async def test_a_model_is_fetched_once_a_run(tmp_path: Path) -> None:
    models, original = Models(tmp_path), tmp_path / "net.dlc"
    original.write_bytes(b"dlc")
    net = model(dlc=str(original))
    first, second = await asyncio.gather(models.get(net), models.get(net))
    original.write_bytes(b"changed meanwhile")
    assert await models.get(net) == first == second
    source, facts = first
    assert source.path.read_bytes() == b"dlc"
    assert (facts.dlc, facts.size) == (str(original), 3)


async def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"gone\.dlc cannot be read") as failed:
        await Models(tmp_path).get(model(dlc=str(tmp_path / "gone.dlc")))
    assert failed.value.failure.kind is FailureKind.MODEL_UNREADABLE


async def test_weights_that_are_not_beside_an_onnx_are_named(tmp_path: Path) -> None:
    network = tmp_path / "net.onnx"
    network.write_bytes(field(13, field(1, b"location") + field(2, b"gone.bin")))
    with pytest.raises(
        StepFailed, match=r"net\.onnx keeps its weights in gone\.bin, which must be in the same folder: "
    ):
        await Models(tmp_path).get(ModelRef(name="net", onnx=str(network)))
