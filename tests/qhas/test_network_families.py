"""Networks of the kinds that users profile, from ONNX to trace, page and comparison, on the host SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostsdk.__main__ import main as hostsdk_command
from qhas.diff.runs import CellNotComparable, compare_cells
from qhas.direct import run_direct
from qhas.outside_bytes import unpack
from qhas.profile.picture import Timeline
from qhas.runs import keys
from qhas.runs.record import by_graph
from qhas.runs.stored import load_run
from qhas.site import Site
from qhas.store import Store
from qhas.sweep.spec import SweepSpec
from tests.hostsdk.families import FAMILIES
from tests.hostsdk.tools.conftest import run_tool, succeeded

pytestmark = [pytest.mark.hostsdk, pytest.mark.slow]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_goes_from_onnx_to_trace_page_and_comparison(family: str, tmp_path: Path) -> None:
    network = FAMILIES[family](tmp_path)
    succeeded(run_tool("snpe-onnx-to-dlc", "-i", network, "-o", "net.dlc", cwd=tmp_path))
    spec = SweepSpec.model_validate(
        {
            "name": family,
            "models": [{"name": family, "dlc": str(tmp_path / "net.dlc")}],
            "socs": ["sa8255"],
            "variants": {"optimization_level": [1, 3]},
        }
    )
    site = Site(store=str(tmp_path / "store"))
    run_direct(spec, site, family)
    store = Store(site.store)
    _, cells = load_run(store, family)
    assert [cell.failure for cell in cells] == [None, None]
    for cell in cells:
        assert cell.metrics
        assert cell.metrics.time_us > 0
        assert cell.artifact("chrometrace")
        picture = cell.artifact("timeline")
        assert picture
        stored = unpack(store.read(keys.file(cell, picture)) or b"", 1 << 24)
        assert Timeline.model_validate_json(stored).ops
        assert not cell.remarks
        page = store.read(keys.report(family, f"cells/{cell.cell.key}/index.html"))
        assert page
        assert b'id="timeline"' in page
    diff = compare_cells(store, *cells)
    assert "optimisation level 1 -> 3" in " ".join(each.sentence for each in diff.circumstances).replace(
        "→", "->"
    )


def test_networks_joined_in_one_dlc_are_profiled_graph_by_graph(tmp_path: Path) -> None:
    for family in ("split_topk", "token_ids"):
        network = FAMILIES[family](tmp_path)
        succeeded(run_tool("snpe-onnx-to-dlc", "-i", network, "-o", f"{family}.dlc", cwd=tmp_path))
    joined = [str(tmp_path / f"{name}.dlc") for name in ("both", "split_topk", "token_ids")]
    assert hostsdk_command(["join", *joined]) == 0
    models = [{"name": "both", "dlc": joined[0]}]
    spec = SweepSpec.model_validate({"name": "both", "models": models, "socs": ["sa8255"]})
    site = Site(store=str(tmp_path / "store"))
    run_direct(spec, site, "both")
    store = Store(site.store)
    _, (cell,) = load_run(store, "both")
    assert cell.failure is None
    first, second = by_graph([cell])
    for graph in (first, second):
        assert graph.metrics
        assert graph.artifact("chrometrace")
        assert store.exists(keys.report("both", f"cells/{graph.cell.key}/index.html"))
    assert first.metrics != second.metrics
    with pytest.raises(CellNotComparable, match="several graphs"):
        compare_cells(store, cell, cell)
    assert compare_cells(store, first, first).time.percent in (None, 0)
