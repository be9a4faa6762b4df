"""ONNX networks are converted once per distinct content, which includes everything the converter reads."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fakes.sdk import build_fake_sdk
from qhas.estimate.conversion import CONVERTER, to_dlcs
from qhas.site import SdkRef
from qhas.site.sdk import HOST_TARGET, Sdk, find_sdk

CONVERT = """#!/bin/sh
cat "$2"* > "$4"
"""


@pytest.fixture
def sdk(tmp_path: Path) -> Sdk:
    """An SDK whose converter copies the network, and whatever beside it has a name that starts with the network's."""
    root = build_fake_sdk(tmp_path / "sdk")
    converter = root / "bin" / HOST_TARGET / CONVERTER
    converter.write_text(CONVERT)
    converter.chmod(0o755)
    return find_sdk(SdkRef(root=root))


def converted(network: Path, sdk: Sdk, folder: Path) -> bytes:
    result = asyncio.run(to_dlcs({"net": network}, sdk, folder))["net"]
    assert result.dlc, result.refusal
    return result.dlc.read_bytes()


@pytest.mark.parametrize("name", ["net.onnx", "net[1].onnx", "[net].onnx", "a*b?.onnx"])
def test_another_content_is_converted_again(tmp_path: Path, sdk: Sdk, name: str) -> None:
    network = tmp_path / name
    for content in (b"one", b"two"):
        network.write_bytes(content)
        assert converted(network, sdk, tmp_path / "converted") == content


@pytest.mark.parametrize("weights", ["net.onnx.data", "net.onnx_data", "weights.bin"])
def test_other_weights_beside_it_are_another_network(tmp_path: Path, sdk: Sdk, weights: str) -> None:
    network = tmp_path / "net.onnx"
    network.write_text(f"\n\x08location\x12{chr(len(weights))}{weights}")
    paths = set()
    for content in ("one", "two"):
        (tmp_path / weights).write_text(content)
        paths.add(asyncio.run(to_dlcs({"net": network}, sdk, tmp_path / "converted"))["net"].dlc)
    assert len(paths) == 2
