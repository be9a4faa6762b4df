"""Events about sweeps, cells and devices in Prefect's event stream, for automations to react to.

Events are sent by Prefect's own queue and worker thread, which also name the flow run: no call here waits for the
server, and none fails a run. Every label is text.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from prefect.events import emit_event

from qhas.diff.model import Outcome
from qhas.profile.figures import BY_EVENT_KEY
from qhas.runs import progress
from qhas.runs.record import CellRecord, SweepRecord
from qhas.upgrade.model import Upgrade

Resource = dict[str, str]
_ID, _NAME, _ROLE = "prefect.resource.id", "prefect.resource.name", "prefect.resource.role"


class EventName(StrEnum):
    """The events of this project."""

    SWEEP_STARTED = "qhas.sweep.started"
    """A run begins or resumes."""
    SWEEP_FINISHED = "qhas.sweep.finished"
    """A run has ended by itself, with or without failed cells."""
    CELL_COMPLETED = "qhas.cell.completed"
    """Every required artifact of a cell is stored."""
    CELL_FAILED = "qhas.cell.failed"
    """A cell ended with a failure."""
    UPGRADE_FINISHED = "qhas.upgrade.finished"
    """The effect of another SDK on networks is known."""
    REGRESSION = "qhas.regression"
    """A cell is worse than what it is compared with."""
    DEVICE_QUARANTINED = "qhas.device.quarantined"
    """A device is quarantined after failures in a row."""


def sweep_started(run: SweepRecord) -> None:
    """Report that the run begins or resumes."""
    emit_event(EventName.SWEEP_STARTED, _sweep(run), payload={"cells": run.cells})


def sweep_finished(run: SweepRecord, report: str) -> None:
    """Report that the run has ended; `report` is the address of its page."""
    emit_event(
        EventName.SWEEP_FINISHED,
        _sweep(run),
        payload={
            "cells": run.cells,
            "good": run.good,
            "failed": run.failed,
            "missing": run.missing,
            "report": report,
        },
    )


def upgrade_finished(upgrade: Upgrade, page: str) -> None:
    """Report what an SDK does to networks; `page` is the address of the answer's page."""
    emit_event(
        EventName.UPGRADE_FINISHED,
        {_ID: f"qhas.upgrade.{upgrade.upgrade_id}", _NAME: upgrade.upgrade_id},
        payload={
            "before": upgrade.before,
            "after": upgrade.after,
            "slower": [cell.cell for cell in upgrade.of(Outcome.WORSE)],
            "faster": [cell.cell for cell in upgrade.of(Outcome.BETTER)],
            "sentence": upgrade.sentence,
            "page": page,
        },
    )


def cell_finished(record: CellRecord) -> None:
    """Report that the cell is published, complete or failed."""
    failure = record.failure
    payload: dict[str, Any] = {"origin": record.origin, "sdk": record.sdk.version}
    if failure:
        payload |= {"step": failure.step, "message": failure.message, "hint": failure.hint}
    else:
        values = {key: figure.read(record) for key, figure in BY_EVENT_KEY.items()}
        payload |= {key: value for key, value in values.items() if value is not None}
    emit_event(
        EventName.CELL_FAILED if failure else EventName.CELL_COMPLETED,
        _cell(record),
        related=list(_related(record)),
        payload=payload,
    )


def regressed(record: CellRecord, sentence: str, baseline: str) -> None:
    """Report that the cell is worse than in run `baseline`; `sentence` says by how much and in what."""
    emit_event(
        EventName.REGRESSION,
        _cell(record),
        related=list(_related(record)),
        payload={"sentence": sentence, "baseline": baseline},
    )


def device_quarantined(event: progress.DeviceQuarantined) -> None:
    """Report that the device is quarantined."""
    emit_event(
        EventName.DEVICE_QUARANTINED,
        {_ID: f"qhas.device.{event.device}", _NAME: event.device, "qhas.soc": event.soc},
        payload={
            "reason": event.facts.reason,
            "until": event.facts.until.isoformat(),
            "failures": event.facts.failures,
        },
    )


def emit(event: progress.Event) -> None:
    """Pass on those events of a run's progress that automations may need."""
    match event:
        case progress.CellFinished(record=record):
            cell_finished(record)
        case progress.DeviceQuarantined():
            device_quarantined(event)


def _sweep(run: SweepRecord) -> Resource:
    return {
        _ID: f"qhas.sweep.{run.run_id}",
        _NAME: run.run_id,
        "qhas.sweep": run.spec.name,
        "qhas.state": run.state,
    }


def _cell(record: CellRecord) -> Resource:
    cell = record.cell
    labels = {
        _ID: f"qhas.cell.{record.run_id}.{cell.key}",
        _NAME: cell.label,
        "qhas.run": record.run_id,
        "qhas.network": cell.model.name,
        "qhas.soc": cell.soc,
        "qhas.variant": cell.variant,
    }
    return labels | ({"qhas.failure": record.failure.kind} if record.failure else {})


def _related(record: CellRecord) -> Iterator[Resource]:
    cell = record.cell
    for role, name in (("sweep", record.run_id), ("network", cell.model.name), ("soc", cell.soc)):
        yield {_ID: f"qhas.{role}.{name}", _NAME: name, _ROLE: role}
    if record.device:
        yield {_ID: f"qhas.device.{record.device.name}", _NAME: record.device.name, _ROLE: "device"}
