"""`inputs: none` gives the figures of a simulated SoC without an execution."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from qhas.direct import run_direct
from qhas.failures import InvalidInput
from qhas.runs.stored import load_run
from qhas.site import DeviceRef, Site, require_cells
from qhas.store import Store
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import ModelRef, SweepSpec, load_sweep

NETWORK = str(resources.files("hostsdk").joinpath("trial.dlc"))


def sweep(inputs: str) -> SweepSpec:
    return SweepSpec(
        name="estimates", models=[ModelRef(name="net", dlc=NETWORK, inputs=inputs)], socs=["sa8255"]
    )


def test_none_is_no_file_beside_the_sweep(tmp_path: Path):
    path = tmp_path / "sweep.yaml"
    path.write_text(f"name: a\nmodels: [{{name: net, dlc: {NETWORK}, inputs: none}}]\nsocs: [sa8255]\n")
    assert plan_sweep(load_sweep(path)).cells[0].model.inputs == "none"


def test_a_device_is_not_asked_to_execute_nothing():
    phone = DeviceRef.model_validate({"name": "phone", "soc": "sa8255", "transport": "adb", "serial": "a1"})
    cells = plan_sweep(sweep("none")).cells
    require_cells(Site(store="store"), cells)
    with pytest.raises(InvalidInput, match="estimates without execution, but sa8255 is a device"):
        require_cells(Site(store="store", devices=[phone]), cells)
    require_cells(Site(store="store", devices=[phone]), plan_sweep(sweep("random")).cells)


@pytest.mark.hostsdk
def test_an_estimate_is_that_of_the_executed_cell_without_outputs(tmp_path: Path):
    site = Site(store=str(tmp_path / "store"))
    records = {}
    for inputs in ("none", "random"):
        run_direct(sweep(inputs), site, inputs)
        _, (records[inputs],) = load_run(Store(site.store), inputs)
    estimated, executed = records["none"], records["random"]
    assert estimated.good
    assert estimated.metrics is not None
    assert executed.metrics is not None
    assert estimated.metrics.model_copy(update={"compile_seconds": None}) == executed.metrics.model_copy(
        update={"compile_seconds": None}
    )
    assert any("Nothing was executed" in remark for remark in estimated.remarks)
    assert not [artifact for artifact in estimated.artifacts if artifact.name == "output_tensor"]
    assert [artifact for artifact in executed.artifacts if artifact.name == "output_tensor"]
