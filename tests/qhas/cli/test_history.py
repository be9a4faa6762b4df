"""`qhas history`: plot, CSV and JSON of a figure over the nights."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import Result
from typer.testing import CliRunner

from fakes.records import runtrace
from qhas.cli.main import app
from qhas.history import append
from qhas.store import Store
from qhas.verdict.judge import judge_run
from tests.documents import write_yaml
from tests.qhas.nights import on_phone, run_of, simulated, wobbling


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of twenty nights on a phone, with a new SDK after twelve, and on a simulated SoC; to be copied."""
    store = Store(str(place := tmp_path_factory.mktemp("nights") / "store"))
    for night in range(20):
        sdk = {"kind": "vendor", "version": "2.45.0" if night < 12 else "2.46.0"}
        append(store, run_of(night), [on_phone(night, wobbling(night), sdk=sdk), simulated(night)])
    return place


@pytest.fixture
def store(nights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A copy of those nights, with a site whose store it is."""
    monkeypatch.chdir(tmp_path)
    write_yaml(tmp_path / "site.yaml", {"store": "store"})
    return Store(str(copytree(nights, tmp_path / "store")))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["history", *arguments, "--site", "site.yaml"])


@pytest.mark.usefixtures("store")
def test_the_latency_is_plotted_with_sdk_steps_and_the_last_runs(store: Store) -> None:
    judge_run(store, run_of(20), [on_phone(20, 1200.0, sdk={"kind": "vendor", "version": "2.46.0"})])
    shown = run("net", "sm8750")
    assert shown.exit_code == 0, shown.output
    assert "net on sm8750, sweep nightly: latency. Measured on devices" in shown.output
    assert "2026-03-13  SDK 2.45.0 → 2.46.0" in shown.output
    assert "night-019" in shown.output
    assert "suspicious: net on sm8750: latency +" in shown.output
    assert len(shown.output.splitlines()) > 20


def test_only_the_asked_network_is_judged_below_its_plot(store: Store) -> None:
    cells = [simulated(20), simulated(20, "other")]
    judge_run(store, run_of(20), cells)
    shown = run("net", "sa8255").output.splitlines()
    assert [line for line in shown if line.startswith(("steady", "insufficient"))] == [
        "steady: net on sa8255: estimated time 1,371 µs, unchanged."
    ]


@pytest.mark.usefixtures("store")
def test_of_a_simulated_soc_the_estimated_time_is_shown_as_such() -> None:
    shown = run("net", "sa8255")
    assert shown.exit_code == 0, shown.output
    assert "estimated time. Simulated on a host, not measured" in shown.output


def test_warm_times_of_the_runtrace_have_a_history(store: Store) -> None:
    warm = [on_phone(night, 1000.0, runtrace=runtrace(warm_us=15.625 + night)) for night in range(20, 22)]
    for night, cell in enumerate(warm, start=20):
        append(store, run_of(night), [cell])
    shown = run("net", "sm8750", "--metric", "warm_us", "--json")
    (line,) = json.loads(shown.stdout)["lines"]
    assert [night["value"] for night in line["nights"]] == [35.625, 36.625]


@pytest.mark.usefixtures("store")
def test_since_and_metric_choose(tmp_path: Path) -> None:
    shown = run("net", "sm8750", "--since", "2026-03-15", "--metric", "dram_read", "--json")
    (line,) = json.loads(shown.stdout)["lines"]
    assert [night["date"] for night in line["nights"]] == [f"2026-03-{day}" for day in range(15, 21)]
    assert {night["value"] for night in line["nights"]} == {26_000_000}


@pytest.mark.usefixtures("store")
def test_the_csv_has_titles_and_a_row_a_run_with_times_other_tools_read(tmp_path: Path) -> None:
    assert run("net", "sm8750", "--csv", "out.csv").exit_code == 0
    with (tmp_path / "out.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(rows) == 20
    assert rows[0] == {
        "time": "2026-03-01T22:05:00+00:00",
        "run": "night-000",
        "device": "one",
        "firmware": "AP3A",
        "sdk": "2.45.0",
        "median_us": "1000.0",
    }


def test_a_csv_of_several_series_is_refused_with_the_choice(store: Store) -> None:
    append(
        store, run_of(1, "other", spec={**run_of(1).spec.model_dump(), "name": "weekly"}), [on_phone(1, 9.0)]
    )
    refused = run("net", "sm8750", "--csv", "out.csv")
    assert refused.exit_code == 2
    assert "--sweep weekly" in refused.output
    assert not Path("out.csv").exists()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing", "sm8750"), "has no latency or estimated time of nothing on sm8750"),
        (("net",), "Name a model and a SoC"),
        (("net", "sm8750", "--variant", "big"), "has no latency or estimated time of net"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert sentence in " ".join(refused.output.split())


@pytest.mark.usefixtures("store")
def test_compact_makes_a_file_of_the_month() -> None:
    shown = run("--compact")
    assert shown.exit_code == 0
    assert "2 months rewritten, 40 files removed" in shown.output
    assert "night-019" in run("net", "sm8750").output
