"""A block's ONNX is written, or refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qhas.network.architecture import read_architecture
from tests.qhas.cli.desk import Desk
from tests.qhas.llm.conftest import CONFIG
from tests.qhas.llm.test_real_weights import tensors, written


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """The paths of a config.json and of the weights of its block 1."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG))
    own = tensors(read_architecture(config))
    return [str(config), str(written(tmp_path / "model.safetensors", own))]


def test_a_block_is_written_and_its_next_step_told(desk: Desk, files: list[str], tmp_path: Path) -> None:
    target = tmp_path / "block.onnx"
    told = desk.run("block", *files, "--number", "1", "--onnx", str(target), "--context", "32")
    assert target.stat().st_size
    assert f"qhas profile {target}" in told.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--onnx", "/nowhere/block.onnx"], "name a file in a folder"),
        (
            ["--onnx", "block.onnx", "--tokens", "64", "--context", "32"],
            "--tokens 64 exceeds the context of 32 tokens",
        ),
        (["--onnx", "block.onnx", "--number", "2"], "There is no block 2"),
    ],
)
def test_what_makes_no_block_is_refused(desk: Desk, files: list[str], options: list[str], said: str) -> None:
    assert said in desk.refused("block", *files, *options)
