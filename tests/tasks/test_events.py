"""The events that automations can react to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from fakes.records import MOMENT, measured, record, run_record
from qhas.devices.quarantine import Quarantined
from qhas.diff.model import Figure, Outcome, Unit
from qhas.failures import FailureKind
from qhas.runs import progress
from qhas.upgrade.model import CellUpgrade, Upgrade
from tasks import events

Sent = list[tuple[str, dict[str, str], dict[str, Any]]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """Name, resource and remaining arguments of each event sent."""
    found: Sent = []
    monkeypatch.setattr(
        events, "emit_event", lambda name, resource, **rest: found.append((name, resource, rest))
    )
    yield found
    for _, resource, rest in found:
        for labels in (resource, *rest.get("related", [])):
            assert all(isinstance(value, str) for value in labels.values())
            assert labels["prefect.resource.id"]


def test_a_good_cell_is_told_with_its_figures(sent: Sent) -> None:
    events.emit(progress.CellFinished(measured()))
    ((name, resource, rest),) = sent
    assert name == "qhas.cell.completed"
    assert resource["prefect.resource.id"] == "qhas.cell.nightly-1.net/sm8750/default"
    assert rest["payload"]["latency_median_us"] == 102
    roles = {one["prefect.resource.role"]: one["prefect.resource.id"] for one in rest["related"]}
    assert roles == {
        "sweep": "qhas.sweep.nightly-1",
        "network": "qhas.network.net",
        "soc": "qhas.soc.sm8750",
        "device": "qhas.device.oneplus13",
    }


def test_a_failed_cell_is_told_with_its_next_step(sent: Sent) -> None:
    events.emit(progress.CellFinished(record(failure=FailureKind.LOG_MISSING)))
    ((name, resource, rest),) = sent
    assert name == "qhas.cell.failed"
    assert resource["qhas.failure"] == "log_missing"
    assert rest["payload"]["hint"]
    assert "qhas_time_us" not in rest["payload"]


def test_a_device_that_is_set_aside_is_told_with_reason_and_end(sent: Sent) -> None:
    facts = Quarantined(reason="it hangs", since=MOMENT, until=MOMENT + timedelta(hours=1), failures=3)
    events.emit(progress.DeviceQuarantined("oneplus13", "sm8750", facts))
    ((name, resource, rest),) = sent
    assert (name, resource["prefect.resource.id"]) == ("qhas.device.quarantined", "qhas.device.oneplus13")
    assert rest["payload"]["reason"] == "it hangs"


def test_a_regression_names_what_it_is_compared_with(sent: Sent) -> None:
    events.regressed(record(), "12% slower", baseline="nightly-0")
    ((name, _, rest),) = sent
    assert name == "qhas.regression"
    assert rest["payload"] == {"sentence": "12% slower", "baseline": "nightly-0"}


def test_a_run_is_told_at_its_start_and_its_end(sent: Sent) -> None:
    events.sweep_started(run_record(cells=3))
    events.sweep_finished(run_record(cells=3, failed=1), "s3://report")
    assert [name for name, _, _ in sent] == ["qhas.sweep.started", "qhas.sweep.finished"]
    assert sent[1][2]["payload"]["good"] == 2


def test_what_an_upgrade_does_is_told_with_its_cells_and_page(sent: Sent) -> None:
    time = Figure(name="time_us", unit=Unit.MICROSECONDS, before=100, after=135)
    cells = [
        CellUpgrade(cell="net/sa8255", verdict=Outcome.WORSE, time=time),
        CellUpgrade(cell="other/sa8255", verdict=Outcome.SAME, time=time),
    ]
    answer = Upgrade(upgrade_id="upgrade-1", before="2.48", after="2.49", threshold_percent=3, cells=cells)
    events.upgrade_finished(answer, "s3://lab/upgrades/upgrade-1.md")
    ((name, resource, rest),) = sent
    assert name == "qhas.upgrade.finished"
    assert resource["prefect.resource.id"] == "qhas.upgrade.upgrade-1"
    assert rest["payload"]["slower"] == ["net/sa8255"]
    assert rest["payload"]["faster"] == []
    assert rest["payload"]["page"].endswith("upgrade-1.md")
    assert "1 slower" in rest["payload"]["sentence"]
