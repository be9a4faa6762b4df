"""The lab as gauges, as Prometheus's own parser reads them from the file."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older_format
from typer.testing import CliRunner

from fakes.records import MOMENT, latency, model, record, run_record, spec
from qhas.cli.main import app
from qhas.devices.lease import DIRECTORY_VARIABLE
from qhas.devices.quarantine import QuarantineLog
from qhas.failures import FailureKind
from qhas.profile.figure import Unit
from qhas.profile.origin import Origin
from qhas.runs import keys
from qhas.runs.record import CellRecord
from qhas.runs.stored import planned_cells
from qhas.store import Store
from qhas.upkeep.lab_metrics import BASE_UNITS, EXPORTED, run_families
from qhas.upkeep.openmetrics import Family, openmetrics
from qhas.verdict.model import CellVerdict, Verdict
from qhas.verdict.stored import write_verdicts
from tests.documents import write_yaml

EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one run of three cells: one measured, one simulated, and one that failed."""
    store = Store(str(tmp_path / "store"))
    fast, slow, broken = planned_cells(spec(models=[model("fast"), model("slow"), model("broken")]))
    put_run(
        store,
        [
            record(fast, origin=Origin.DEVICE, latency=latency(800, 1000, 1200)),
            record(slow),
            record(broken, failure=FailureKind.DEVICE_OFFLINE),
        ],
    )
    verdict = {"metric": "time_us", "origin": "simulator", "value": 1371, "run_id": "nightly-1"}
    write_verdicts(
        store,
        "nightly-1",
        [CellVerdict.model_validate(verdict | {"cell": slow.key, "verdict": "new", "sentence": "slower"})],
    )
    return store


def put_run(store: Store, records: list[CellRecord], **changes: object) -> None:
    models = [each.cell.model for each in records]
    run = run_record(
        **{
            "cells": len(records),
            "failed": sum(not each.good for each in records),
            "spec": spec(models=models),
        }
        | changes
    )
    store.write(keys.sweep_record(run.run_id), run.model_dump_json().encode())
    for each in records:
        made = each.model_copy(update={"run_id": run.run_id})
        store.write(f"{keys.cell(run.run_id, made.cell)}/{keys.MANIFEST}", made.model_dump_json().encode())


def parsed(text: str) -> dict[str, Metric]:
    """Metric families by name, as Prometheus's parser reads them."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(family: Metric, label: str) -> dict[str, float]:
    return {sample.labels[label]: sample.value for sample in family.samples}


def of_runs(store: Store, pattern: str = "*", since: datetime = EVER) -> dict[str, Metric]:
    return parsed(openmetrics(run_families(store, pattern, since)))


def test_cells_are_counted_by_outcome_and_failures_by_kind(store: Store) -> None:
    families = of_runs(store)
    assert values(families["qhas_run_cells"], "outcome") == {"good": 2, "failed": 1, "missing": 0}
    assert values(families["qhas_run_failed_cells"], "kind") == {"device_offline": 1}
    assert values(families["qhas_cell_good"], "network") == {"fast": 1, "slow": 1, "broken": 0}


def test_every_verdict_has_a_count_so_that_an_alarm_can_end(store: Store) -> None:
    counts = values(of_runs(store)["qhas_run_verdict_cells"], "verdict")
    assert counts == {verdict.value: float(verdict is Verdict.NEW) for verdict in Verdict}


def test_measured_and_simulated_figures_have_names_of_their_own_and_base_units(store: Store) -> None:
    families = of_runs(store)
    assert values(families["qhas_measured_latency_seconds"], "network") == {"fast": 0.001}
    assert families["qhas_measured_latency_seconds"].unit == "seconds"
    assert values(families["qhas_simulated_time_seconds"], "network") == {"slow": 0.001371}
    assert values(families["qhas_simulated_peak_vtcm_bytes"], "network") == {"slow": 4_194_304}
    assert values(families["qhas_measured_dram_read_bytes"], "network") == {"fast": 26_000_000}
    for name in families:
        assert ("simulated" in name) + ("measured" in name) <= 1


def test_the_last_run_of_each_sweep_counts(store: Store) -> None:
    later = MOMENT + timedelta(days=1)
    put_run(store, [record()], run_id="nightly-2", started_at=later, finished_at=later)
    put_run(store, [record()], run_id="other-1", spec=spec(name="other"))
    families = of_runs(store)
    assert values(families["qhas_run_info"], "run") == {"nightly-2": 1, "other-1": 1}
    assert values(families["qhas_run_started_timestamp_seconds"], "sweep")["nightly"] == later.timestamp()
    assert set(values(of_runs(store, "oth*")["qhas_run_info"], "sweep")) == {"other"}
    assert set(values(of_runs(store, since=later)["qhas_run_info"], "sweep")) == {"nightly"}


def test_no_figure_lacks_a_name_that_the_format_takes(store: Store) -> None:
    names = {family.name for family in run_families(store, "*", EVER)}
    per_origin = sum(len(figure.origins) for figure in EXPORTED)
    assert len([name for name in names if name.startswith(("qhas_measured", "qhas_simulated"))]) == per_origin


HOSTILE = ['a"b', "back\\slash", "two\nlines", "{}=,", "µ ☃", "\\n", ""]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_reads_back_as_it_was(text: str) -> None:
    family = Family("qhas_x", f"Help {text}")
    family.add(1, {"name": text})
    written = openmetrics([family])
    (sample,) = parsed(written)["qhas_x"].samples
    assert sample.labels == {"name": text}
    assert parsed(written)["qhas_x"].documentation == f"Help {text}"


@pytest.mark.parametrize("value", [0, 1, 1e-9, 0.1, 2**60, 1e300, -3.5, float("inf"), float("-inf")])
def test_a_value_reads_back_as_it_was(value: float) -> None:
    family = Family("qhas_x_seconds", "Help.", "seconds")
    family.add(value, {})
    (sample,) = parsed(openmetrics([family]))["qhas_x_seconds"].samples
    assert sample.value == value


def test_a_sample_that_is_there_already_is_refused() -> None:
    family = Family("qhas_x", "Help.")
    family.add(1, {"a": "1", "b": "2"})
    with pytest.raises(ValueError, match="two samples"):
        family.add(2, {"b": "2", "a": "1"})


def test_every_unit_has_a_base_unit() -> None:
    assert set(BASE_UNITS) == set(Unit)


def test_an_empty_lab_is_a_file_all_the_same(tmp_path: Path) -> None:
    assert openmetrics(run_families(Store(str(tmp_path)), "*", EVER)) == "# EOF\n"


def test_the_file_has_devices_and_the_store_and_replaces_the_one_before(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "leases"))
    device = {"name": "phone", "soc": "sm8750", "transport": "adb", "serial": "1"}
    site = write_yaml(tmp_path / "site.yaml", {"store": str(tmp_path / "store"), "devices": [device]})
    log = QuarantineLog(tmp_path / "leases")
    for _ in range(3):
        log.note_failure("adb:1", "it hangs")
    target = tmp_path / "qhas.prom"
    target.write_text("old")
    done = CliRunner().invoke(
        app, ["openmetrics", str(target), "--site", str(site), "--days", "3650", "--store-size"]
    )
    assert done.exit_code == 0, done.output
    text = target.read_text()
    families = parsed(text)
    assert values(families["qhas_device_quarantined"], "device") == {"phone": 1}
    assert values(families["qhas_device_failures"], "device") == {"phone": 3}
    assert values(families["qhas_device_leased"], "device") == {"phone": 0}
    stored = sum(path.stat().st_size for path in (tmp_path / "store" / "runs").rglob("*") if path.is_file())
    assert values(families["qhas_store_bytes"], "part")["runs"] == stored
    assert {family.name for family in older_format(text)} == set(
        families
    )  # the format that node_exporter's collector reads
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert not list(tmp_path.glob("*.partial"))


def test_a_place_that_cannot_be_written_is_one_sentence(store: Store, tmp_path: Path) -> None:
    site = write_yaml(tmp_path / "site.yaml", {"store": str(tmp_path / "store")})
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["openmetrics", str(tmp_path / "file" / "x.prom"), "--site", str(site)])
    assert done.exit_code == 2
    assert "cannot be written" in done.output
