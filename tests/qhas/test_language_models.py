"""A small language model on the host SDK, from its config.json to traces, figures and an upgrade of the SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hostsdk import wheel
from hostsdk.generations import GENERATIONS
from qhas.direct import run_direct
from qhas.profile.language_figures import OF_DECODE, OF_PREFILL
from qhas.runs.record import by_graph
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.spec import SweepSpec

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow, pytest.mark.timeout(1800)]
CONFIG = {
    "model_type": "llama", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 8,
    "num_key_value_heads": 4, "vocab_size": 2000,
}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps(CONFIG))
    return path


def test_decode_stands_before_prefill_and_each_has_its_trace_and_figures(
    config: Path, tmp_path: Path
) -> None:
    model = {"name": "small", "llm": {"config": str(config), "context": 512}}
    spec = SweepSpec.model_validate({"name": "llm", "models": [model], "socs": ["qcs9100"]})
    run_direct(spec, Site(store=str(tmp_path / "store")), "llm")
    _, cells = load_run(Store(str(tmp_path / "store")), "llm")
    assert [cell.failure for cell in cells] == [None]
    assert [graph.name for graph in cells[0].graphs] == ["decode", "prefill"]
    decode, prefill = by_graph(cells)
    for graph, figures in ((decode, OF_DECODE), (prefill, OF_PREFILL)):
        assert all(graph.artifact(name) for name in ("chrometrace", "qhas", "timeline"))
        assert all((figure.read(graph) or 0) > 0 for figure in figures)
        assert graph.language
    assert decode.metrics
    assert prefill.metrics
    assert decode.metrics.time_us < prefill.metrics.time_us  # one token against 128


def test_an_upgrade_says_what_another_sdk_does_to_both_graphs(config: Path, tmp_path: Path) -> None:
    former = [each for each in GENERATIONS if wheel.cached(each.wheel)]
    if not former:
        pytest.skip("no other generation of the host SDK is installed: python -m hostsdk install 2.50")
    (tmp_path / "site.yaml").write_text(f"store: {tmp_path / 'store'}\n")
    ends = ["--from", former[-1].sdk, "--to", GENERATIONS[-1].sdk]
    asked = [
        Path(sys.executable).with_name("qhas"),
        "upgrade",
        str(config),
        *ends,
        "--soc",
        "qcs9100",
        "--site",
        "site.yaml",
        "--json",
    ]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    assert [cell["cell"] for cell in answer["cells"]] == ["small/qcs9100/decode", "small/qcs9100/prefill"]
    assert not answer["failed"]
    assert all(cell["time"]["before"] and cell["time"]["after"] for cell in answer["cells"])
