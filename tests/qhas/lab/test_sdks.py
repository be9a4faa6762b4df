"""Several SDKs in one run: each cell uses its own in its tools, record and prepared graph, and on its device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from fakes.dlc import make_dlc
from fakes.sdk import Tool, build_fake_sdk, read_calls
from qhas.direct import run_direct
from qhas.failures import InvalidInput
from qhas.lab.lab import open_lab
from qhas.network.network import Network
from qhas.runs.stored import load_run
from qhas.site import DeviceRef, SdkRef, Site, load_site
from qhas.site.sdk import find_sdks
from qhas.site.site import NamedSdk
from qhas.store import Store
from qhas.sweep.plan import plan_sweep
from qhas.sweep.spec import ModelRef, SweepSpec, Variants

VERSIONS = {"old": "2.48.0.260101", "new": "2.51.0.260929"}


@pytest.fixture
def roots(tmp_path: Path) -> dict[str, Path]:
    return {name: build_fake_sdk(tmp_path / name, version=version) for name, version in VERSIONS.items()}


@pytest.fixture
def site(tmp_path: Path, roots: dict[str, Path]) -> Site:
    """A site with two named SDKs, whose default SDK does not exist."""
    sdks = {name: NamedSdk(root=root) for name, root in roots.items()}
    return Site(store=str(tmp_path / "store"), sdk=SdkRef(root=tmp_path / "none"), sdks=sdks)


@pytest.fixture
def spec(tmp_path: Path) -> SweepSpec:
    net = ModelRef(name="net", dlc=str(make_dlc(tmp_path / "net.dlc")))
    return SweepSpec(name="two", models=[net], socs=["sa8255"], variants=Variants(sdk=["old", "new"]))


def test_each_cell_runs_with_its_own_sdk(site: Site, spec: SweepSpec, roots: dict[str, Path]) -> None:
    run_direct(spec, site, "one")
    run, cells = load_run(Store(site.store), "one")
    assert run.sdk is None
    assert [cell.failure for cell in cells] == [None, None]
    assert {cell.cell.variant: cell.sdk.version for cell in cells} == {
        "sdk-old": f"{VERSIONS['old']}000000_0",
        "sdk-new": f"{VERSIONS['new']}000000_0",
    }
    assert len({cell.prepared.key for cell in cells if cell.prepared}) == 2
    for root in roots.values():
        assert {call.tool for call in read_calls(root)} >= {Tool.PREPARE, Tool.NET_RUN, Tool.VIEWER}


def test_another_sdk_makes_another_graph_of_the_same_network(
    site: Site, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(graphs=())
    monkeypatch.setattr("qhas.cell.prepare.read_network", lambda _: network)
    run_direct(spec, site, "one")
    _, cells = load_run(Store(site.store), "one")
    graphs = {cell.prepared.graph for cell in cells if cell.prepared}
    assert None not in graphs
    assert len(graphs) == len(cells) == 2


def test_a_second_run_prepares_nothing(site: Site, spec: SweepSpec, roots: dict[str, Path]) -> None:
    run_direct(spec, site, "one")
    run_direct(spec, site, "one")
    run_direct(spec, site, "two")
    assert all(len(read_calls(root, Tool.PREPARE)) == 1 for root in roots.values())


async def test_a_device_gets_the_sdk_of_its_cell(site: Site, spec: SweepSpec, roots: dict[str, Path]) -> None:
    plan = plan_sweep(spec)
    phone = DeviceRef.model_validate({"name": "phone", "soc": "sa8255", "transport": "adb", "serial": "1"})
    async with open_lab(site, named=plan.sdks) as lab:
        found = [lab.device(phone, cell)._sdk.root for cell in plan.cells]  # type: ignore[attr-defined]
    assert found == [roots["old"], roots["new"]]


def test_an_sdk_that_the_site_does_not_have_is_refused(site: Site) -> None:
    with pytest.raises(InvalidInput, match=r"no SDK called 2\.49: its sdks are old, new"):
        find_sdks(site, ["2.49"])
    with pytest.raises(InvalidInput, match=r"site\.yaml has no sdks"):
        find_sdks(Site(), ["new"])


@pytest.mark.parametrize(
    "named", [{}, {"root": "/sdk", "host": "2.4.0"}, {"host": "../2.4.0"}, {"host": "new"}]
)
def test_an_sdk_is_one_root_or_one_version(named: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NamedSdk.model_validate(named)


def test_roots_are_taken_from_the_folder_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        json.dumps({"sdks": {"2.51": {"root": "sdk"}, "2.48": {"host": "2.4.0"}}})
    )
    sdks = load_site(tmp_path / "site.yaml").sdks
    assert sdks["2.51"].root == tmp_path / "sdk"
    assert sdks["2.48"].host == "2.4.0"
