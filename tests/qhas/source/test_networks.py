"""Networks not prepared for it go from ONNX to page in one command, and each op leads back to its node."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from bench.truth.structure import path_of, read
from qhas.cli.main import app
from qhas.report.stored_sources import cells_by_source
from qhas.runs import keys
from qhas.runs.stored import load_run
from qhas.source.level import Level
from qhas.store import Store

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow]

NETWORKS = (
    "mobilenet_v3_small",
    "shufflenet_v2",
    "googlenet",
    "resnet18",
    "levit",
    "mobile_vit",
    "minilm_v2",
    "quicksrnetsmall",
    "dncnn",
    "unet_segmentation",
)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_goes_from_onnx_to_page_as_float_and_8_bit_with_99_percent_at_its_nodes(
    name: str, tmp_path: Path
) -> None:
    network, site = tmp_path / f"{name}.onnx", tmp_path / "site.yaml"
    onnx.save(read(path_of(name)), network)
    site.write_text(f"store: {tmp_path / 'store'}\n", encoding="utf-8")
    command = ["profile", str(network), "--soc", "sa8255", "--inputs", "none", "--run-id", name]
    done = CliRunner().invoke(
        app, [*command, "--quantize", "float", "--quantize", "w8a8", "--site", str(site)]
    )
    assert done.exit_code == 0, done.output
    store = Store(str(tmp_path / "store"))
    _, cells = load_run(store, name)
    assert [cell.failure for cell in cells] == [None, None]
    for cell, found in cells_by_source(store, cells, Level.NODE):
        assert not isinstance(found, str), found
        unexplained = {op.name: op.percent for op in found.unknown}
        assert found.shares.known + found.shares.transfers >= 99, unexplained
        assert all(len(row.tensors) == 1 and row.name for row in found.transfers), found.transfers
        assert b"ONNX node" in (store.read(keys.report(name, f"cells/{cell.cell.key}/index.html")) or b"")
