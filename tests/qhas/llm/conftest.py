"""A small architecture and its configuration file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qhas.network.architecture import Architecture, read_architecture

CONFIG = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 16, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 500,
}  # fmt: skip
Write = Callable[..., Path]


@pytest.fixture
def config(tmp_path: Path) -> Write:
    """Write a config.json with some keys changed; None omits a key."""

    def write(**changed: Any) -> Path:
        path = tmp_path / "small" / "config.json"
        path.parent.mkdir(exist_ok=True)
        document = {key: value for key, value in (CONFIG | changed).items() if value is not None}
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture
def arch(config: Write) -> Architecture:
    return read_architecture(config())
