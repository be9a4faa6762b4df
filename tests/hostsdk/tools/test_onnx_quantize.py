"""What the quantiser makes is what the HTP takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.hostsdk.families import encoder
from tests.hostsdk.tools.conftest import Tool, run_tool, succeeded

pytestmark = pytest.mark.hostsdk


@pytest.mark.parametrize(("weights", "activations"), [(8, 8), (8, 16), (4, 16)])
def test_a_transformer_is_quantised_as_the_htp_takes_it(
    weights: int, activations: int, convert: Tool, tmp_path: Path
) -> None:
    network = encoder(tmp_path)
    np.random.default_rng(0).standard_normal((1, 16, 32)).astype(np.float32).tofile(tmp_path / "x.raw")
    (tmp_path / "list.txt").write_text("x.raw\n", encoding="utf-8")
    bits = ["--weights_bitwidth", weights, "--act_bitwidth", activations]
    succeeded(run_tool("onnx-quantize", "-i", network, "-o", "q.onnx", "-l", "list.txt", *bits, cwd=tmp_path))
    succeeded(convert("-i", "q.onnx", "-o", "q.dlc"))
