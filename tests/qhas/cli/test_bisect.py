"""A stored cell is bisected with its own DLC and options."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from fakes.dlc import make_dlc
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
        bisect(cell, "2.48", "2.49", site=site, as_json=True)
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
