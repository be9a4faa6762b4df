"""One rack, two SDKs, one night: a device holds both side by side, and each cell runs with its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from fakes.dlc import make_dlc
from fakes.sdk import Tool, build_fake_sdk, read_calls
from qhas.cli.upgrade import upgrade
from qhas.diff.model import CircumstanceKind
from qhas.diff.runs import compare_cells
from qhas.direct import run_direct
from qhas.runs.record import Origin
from qhas.runs.stored import load_run
from tests.rack.conftest import RackOf
from tests.rack.rack import Rack, jobs, overlaps, pushes, runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SDKS = ("2.48", "2.49")
QUICK = {"repetitions": 4, "warmups": 1}


@pytest.fixture
def rack(rack_of: RackOf, tmp_path: Path) -> Rack:
    """A phone and a board with two vendor SDKs."""
    roots = {name: build_fake_sdk(tmp_path / name, version=f"{name}.0.260101") for name in SDKS}
    sdks = {name: {"root": str(root)} for name, root in roots.items()}
    return rack_of({"sdks": sdks}, phone="sm8750", board="qcs9100")


def test_every_cell_is_measured_with_its_own_sdk(rack: Rack) -> None:
    run_direct(rack.spec("alpha", variants={"sdk": list(SDKS)}, run=QUICK), rack.site, "night")
    _, cells = load_run(rack.store, "night")
    assert [cell.failure for cell in cells] == [None] * 4
    for cell in cells:
        assert cell.origin is Origin.DEVICE
        assert cell.sdk.version.startswith(f"{cell.cell.sdk}.0.260101")
        assert cell.latency
        assert len(cell.latency.samples_us) == QUICK["repetitions"]
    for name in SDKS:
        assert len(read_calls(rack.folder / name, Tool.PREPARE)) == len(rack.devices)
    for device in rack.devices.values():
        assert len(runs(device)) == 4
        assert not overlaps(list(jobs(device).values()))
        libraries = [command.service for command in pushes(device, "/sdk/")]
        assert len(libraries) == len(set(libraries)) > 0
    by_soc = {soc: [cell for cell in cells if cell.cell.soc == soc] for soc in ("sm8750", "qcs9100")}
    for before, after in by_soc.values():
        told = [one.kind for one in compare_cells(rack.store, before, after).circumstances]
        assert CircumstanceKind.SDK in told
    rack.require_clean()


def test_an_upgrade_is_asked_of_the_rack_and_runs_nothing_twice(
    rack: Rack, capsys: pytest.CaptureFixture[str]
) -> None:
    dlc = make_dlc(rack.folder / "alpha.dlc")
    answers = []
    for _ in range(2):
        with pytest.raises(typer.Exit):
            upgrade([str(dlc)], *SDKS, soc=["sm8750"], threshold=900.0, site=rack.site_file, as_json=True)
        answers.append(json.loads(capsys.readouterr().out))
    (cell,) = answers[0]["cells"]
    assert (cell["time"]["name"], cell["verdict"], answers[0]["failed"]) == ("latency_us", "same", [])
    assert [answer["compiled"] for answer in answers] == [2, 0]
    assert answers[0]["cells"] == answers[1]["cells"]
    assert {len(read_calls(rack.folder / name, Tool.PREPARE)) for name in SDKS} == {1}
