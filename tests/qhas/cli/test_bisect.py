"""A stored cell is bisected: over SDKs with its own DLC and options, or back to an earlier run over every change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from fakes.dlc import SAMPLE_NODES, make_dlc
from fakes.sdk import Tool, build_fake_sdk, read_calls
from qhas.cli.bisect import bisect
from qhas.cli.frame import Exit
from qhas.direct import run_direct
from qhas.site import load_site
from qhas.sweep.spec import ModelRef, PrepareOptions, SweepSpec, Variants


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A lab with two SDKs, and a run with one of them."""
    roots = {name: build_fake_sdk(tmp_path / name, version=f"{name}.0.260101") for name in ("2.48", "2.49")}
    file = tmp_path / "site.yaml"
    sdks = {name: {"root": str(root)} for name, root in roots.items()}
    file.write_text(json.dumps({"store": str(tmp_path / "store"), "sdks": sdks}))
    spec = SweepSpec(
        name="nightly",
        models=[ModelRef(name="net", dlc=str(make_dlc(tmp_path / "net.dlc")))],
        socs=["sa8255"],
        variants=Variants(sdk=["2.48"]),
        prepare=PrepareOptions(vtcm_mb=2),
    )
    run_direct(spec, load_site(file), "night")
    return file


def ended(cell: str, site: Path) -> Exit:
    with pytest.raises(typer.Exit) as stopped:
        bisect(cell, before="2.48", after="2.49", site=site, as_json=True)
    return Exit(stopped.value.exit_code)


def test_both_sdks_run_with_the_cells_own_options(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("night/net/sa8255/sdk-2.48", site) is Exit.GOOD
    assert json.loads(capsys.readouterr().out)["cells"][0]["verdict"] == "same"
    (call,) = read_calls(site.parent / "2.49", Tool.PREPARE)
    assert call.option("vtcm_override") == "2"
    assert len(read_calls(site.parent / "2.48", Tool.PREPARE)) == 1
    for address, sentence in (("night", "is a whole run"), ("night/net/sm8750", "has no finished cell")):
        assert ended(address, site) is Exit.BAD_INPUT
        assert sentence in capsys.readouterr().err


def night(run_id: str, folder: Path, ops: int, **options: int) -> None:
    """Run a night with a DLC of `ops` ops, and delete the DLC afterwards unless it is the newest one."""
    dlc = make_dlc(folder / f"{run_id}.dlc", graph="net", nodes=SAMPLE_NODES[-ops:])
    spec = SweepSpec(
        name="nights",
        models=[ModelRef(name="net", dlc=str(dlc))],
        socs=["sa8255"],
        variants=Variants(sdk=["2.48"]),
        prepare=PrepareOptions.model_validate(options),
    )
    run_direct(spec, load_site(folder / "site.yaml"), run_id)
    if ops < len(SAMPLE_NODES):
        dlc.unlink()


def back_to(base: str | None, cell: str, site: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    with pytest.raises(typer.Exit):
        bisect(cell, base=base, threshold=0.0, folder=site.parent / "dlcs", site=site, as_json=True)
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def test_options_and_dlcs_of_earlier_nights_are_tried_though_their_files_are_gone(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, ops in enumerate((4, 4, 8, len(SAMPLE_NODES))):
        night(f"night-{number}", site.parent, ops, vtcm_mb=4 if number else 2)
    told = back_to("night-0", "night-3/net/sa8255/sdk-2.48", site, capsys)
    steps = told["cells"][0]["steps"]
    assert [(step["cause"], step["after"].split()[0]) for step in steps] == [("network", "DLC")] * 2
    assert all(step["first"] for step in steps)
    assert steps[0]["before"] == "vtcm_mb: 4"
    assert not told["failed"]
    again = back_to("night-0", "night-3/net/sa8255/sdk-2.48", site, capsys)
    assert again["cells"] == told["cells"]
    assert again["compiled"] == 0


def test_the_run_before_is_the_base_and_where_nothing_changed_that_is_said(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night("night-1", site.parent, len(SAMPLE_NODES))
    night("night-2", site.parent, len(SAMPLE_NODES))
    with pytest.raises(typer.Exit) as stopped:
        bisect("night-2/net/sa8255/sdk-2.48", folder=site.parent / "dlcs", site=site)
    assert stopped.value.exit_code == Exit.BAD_INPUT
    assert "The cell has the same SDK, options and DLC in runs" in " ".join(capsys.readouterr().err.split())
