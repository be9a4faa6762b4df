"""`qhas plan` shows what would run, and runs nothing."""

from __future__ import annotations

import json
import re

import pytest

from fakes.records import record, run_record
from fakes.sdk import build_fake_sdk
from qhas.failures import FailureKind
from qhas.runs.durations import Durations
from qhas.sweep.forecast import SIMULATED
from qhas.sweep.spec import Cell, load_sweep
from tests.qhas.cli.desk import Desk


def test_plan_shows_every_cell_and_runs_nothing(desk: Desk) -> None:
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml")
    assert result.exit_code == 0
    assert "sm8650" in result.stdout
    assert "2 cells, 0 left out" in result.stdout
    assert not (desk.folder / "store").exists()


def test_plan_as_json_is_one_document(desk: Desk) -> None:
    desk.sweep(exclude=[{"soc": "sm8650"}])
    result = desk.run("plan", "sweep.yaml", "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert [cell["soc"] for cell in document["cells"]] == ["sm8750"]
    assert document["excluded"] == 1
    assert document["device_hours"] == pytest.approx(SIMULATED.device / 3600, rel=0.1)


def test_plan_without_an_sdk_says_that_it_cannot_know_what_is_prepared(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}})
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml")
    assert result.exit_code == 0
    assert "Which graphs are already prepared is unknown" in result.output
    document = json.loads(desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json").stdout)
    assert document["prepared"] is None


def test_plan_knows_what_the_sweep_took_last_time(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}})
    key = "net/sm8650/default"
    last = Durations(run_id="one", seconds={key: (40.0, 10.0)}, finish={key: 3.0})
    desk.store.write("sweeps/nightly/durations.json", last.model_dump_json().encode())
    document = json.loads(desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json").stdout)
    assert document["forecast_seconds"][key] == {
        "prepare": 40.0,
        "device": 10.0,
        "finish": 3.0,
        "convert": 0.0,
        "known": True,
    }
    other = document["forecast_seconds"]["net/sm8750/default"]
    assert other["known"] is False
    assert other["device"] == pytest.approx(10.0, rel=0.2), "the same network on another SoC"
    assert document["device_hours"] == pytest.approx((10 + other["device"]) / 3600)


def test_a_plan_says_when_the_sweep_will_end_and_how_sure_that_is(desk: Desk) -> None:
    desk.site({"store": "store", "sdk": {"root": "/nowhere"}, "host": {"cores": 1}})
    assumed = desk.run("plan", "sweep.yaml", "--site", "site.yaml").stdout
    assert re.search(
        r"About 0:00:\d\d, by assumption 0:00:\d\d to 0:00:\d\d in eight cases out of ten: if started now",
        assumed,
    )
    took = {f"net/{soc}/default": (40.0, 10.0) for soc in ("sm8650", "sm8750")}
    last = Durations(run_id="one", seconds=took, finish=dict.fromkeys(took, 5.0))
    desk.store.write("sweeps/nightly/durations.json", last.model_dump_json().encode())
    assert "About 0:01:50: if started now" in desk.run("plan", "sweep.yaml", "--site", "site.yaml").stdout
    document = json.loads(desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json").stdout)
    assert document["expected_seconds"] == {"seconds": pytest.approx(110.4), "low": None, "high": None}
    assert document["least_seconds"] == 110.0


@pytest.mark.parametrize(
    ("options", "cells"),
    [
        (["--soc", "*50"], ["net/sm8650/default", "net/sm8750/default"]),
        (["--soc", "sm865*"], ["net/sm8650/default"]),
        (["--canary", "--soc", "sm8750"], ["net/sm8750/default"]),
        (["--failed", "one"], ["net/sm8750/default"]),
    ],
)
def test_options_narrow_a_sweep(desk: Desk, options: list[str], cells: list[str]) -> None:
    spec = load_sweep(desk.folder / "sweep.yaml")
    begun = run_record(run_id="one", spec=spec)
    desk.store.write("runs/one/sweep.json", begun.model_dump_json().encode())
    for soc, failure in (("sm8650", None), ("sm8750", FailureKind.DISK)):
        cell = record(Cell(model=spec.models[0], soc=soc), run_id="one", failure=failure)
        desk.store.write(f"runs/one/{cell.cell.key}/manifest.json", cell.model_dump_json().encode())
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml", "--json", *options)
    assert result.exit_code == 0, result.output
    planned = json.loads(result.stdout)["cells"]
    assert [f"{c['model']['name']}/{c['soc']}/{c['variant']}" for c in planned] == cells


def test_a_soc_that_only_a_vendors_sdk_may_know_is_a_warning(desk: Desk) -> None:
    build_fake_sdk(desk.folder / "sdk")
    desk.site({"store": "store", "sdk": {"root": str(desk.folder / "sdk")}})
    desk.sweep(socs=["sm8765"])
    result = desk.run("plan", "sweep.yaml", "--site", "site.yaml")
    assert result.exit_code == 0
    assert "sm8765 is not in this version's list (similar: sm8" in " ".join(result.output.split())


def test_a_plan_says_what_simulated_times_will_be_worth(desk: Desk) -> None:
    shown = desk.run("plan", "sweep.yaml")
    said = r"sm8750 is simulated: device times are expected from \d+ float convolutional"
    assert re.search(said, " ".join(shown.output.split()))
    document = json.loads(desk.run("plan", "sweep.yaml", "--json").stdout)
    assert set(document["expected_from"]) == {"sm8650", "sm8750"}
    assert "Galaxy S24" in document["expected_from"]["sm8650"]
