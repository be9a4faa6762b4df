"""The files in examples/ work unchanged."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from qhas.cli.main import app
from qhas.report.stored_sources import cells_by_source
from qhas.runs.stored import load_run
from qhas.source.level import Level
from qhas.store import Store
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import load_sweep

EXAMPLES = Path(__file__).parents[1] / "examples"
NETWORKS = sorted((EXAMPLES / "networks").glob("*.onnx"))
each_network = pytest.mark.parametrize("network", NETWORKS, ids=[path.stem for path in NETWORKS])


def test_the_sweep_over_bits_can_be_planned() -> None:
    cells = plan_sweep(load_sweep(EXAMPLES / "bits.yaml")).cells
    assert {(cell.model.name, cell.variant) for cell in cells} == {
        (network.stem, f"quantize-{bits}")
        for network in NETWORKS
        for bits in ("float", "w8a16", "w8mixed", "w8a8")
    }


@pytest.mark.hostsdk
@each_network
def test_its_exporters_lines_name_no_folder_of_the_machine_that_made_it(network: Path) -> None:
    stacks = [
        entry.value
        for node in onnx.load(network).graph.node
        for entry in node.metadata_props
        if entry.key == "pkg.torch.onnx.stack_trace"
    ]
    files = {line.split('"')[1] for stack in stacks for line in stack.split("\n") if 'File "' in line}
    assert "export_pytorch.py" in files
    assert all(name.startswith("/site-packages/torch/") for name in files - {"export_pytorch.py"})


@pytest.mark.hostsdk
@pytest.mark.slow
@each_network
def test_a_network_exported_by_pytorch_is_told_by_module(network: Path, tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"store: {tmp_path / 'store'}\n", encoding="utf-8")
    command = ["profile", str(network), "--soc", "sa8255", "--run-id", "example", "--site", str(site)]
    done = CliRunner().invoke(app, [*command, "--quantize", "float", "--quantize", "w8a8"])
    assert done.exit_code == 0, done.output
    store = Store(str(tmp_path / "store"))
    _, cells = load_run(store, "example")
    assert all(cell.accuracy and cell.accuracy.cosine and cell.accuracy.cosine > 0.999 for cell in cells)
    for _, found in cells_by_source(store, cells, Level.MODULE):
        assert not isinstance(found, str), found
        assert found.shares.known + found.shares.transfers >= 99
        assert found.known_percent >= 95 or network.stem == "detector", "whose input and output are a tenth"
