"""Accepting a cell's level in a run as the baseline from then on, and withdrawing the acceptance."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from qhas.documents import describe
from qhas.failures import InvalidInput
from qhas.history.columns import night_of
from qhas.report.publish import publish_report
from qhas.runs import keys
from qhas.runs.accepted import Acceptance, Withdrawal, read_acceptance
from qhas.runs.listing import FINISHED, run_lines
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.stored import load_run
from qhas.store import Store
from qhas.verdict.judge import judge_again
from qhas.verdict.stored import read_verdicts

_Kind = TypeVar("_Kind", bound=BaseModel)


def accept(store: Store, record: CellRecord, by: str, reason: str) -> Acceptance:
    """Accept the level of a cell; an acceptance that is not withdrawn stays as it is, with who and when.

    The verdicts and reports of its run and of the sweep's later runs are updated. Raises InvalidInput for a cell
    without a level, for a run that has not ended and for an invalid reason, and StoreError.
    """
    run = _ended_run(store, record)
    if not record.good:
        raise InvalidInput(f"{record.cell.label} failed in {run.run_id}; there is no level to accept.")
    known = read_acceptance(store, run.spec.name, record.cell.key, run.run_id)
    if known is None or known.withdrawn:
        known = _keep(store, _made(run, record, by, reason), anew=known is not None)
    _announce(store, run)
    return known


def take_back(store: Store, record: CellRecord, by: str) -> Acceptance:
    """Withdraw an acceptance; a second time changes nothing. Raises InvalidInput if there is none, and StoreError."""
    run = _ended_run(store, record)
    known = read_acceptance(store, run.spec.name, record.cell.key, run.run_id)
    if known is None:
        raise InvalidInput(
            f"Nothing was accepted for {run.run_id}/{record.cell.key}; see `--list` for what was."
        )
    if known.withdrawn is None:
        withdrawn = _checked(Withdrawal, by=by, at=datetime.now(UTC))
        known = _keep(store, known.model_copy(update={"withdrawn": withdrawn}), anew=True)
    _announce(store, run)
    return known


def current_user() -> str:
    """Return the user of this process, with its host."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _ended_run(store: Store, record: CellRecord) -> SweepRecord:
    run, _ = load_run(store, record.run_id)
    if run.state not in FINISHED:
        raise InvalidInput(f"Run {run.run_id} is {run.state}; only levels of a finished run can be accepted.")
    return run


def _made(run: SweepRecord, record: CellRecord, by: str, reason: str) -> Acceptance:
    return _checked(
        Acceptance,
        sweep=run.spec.name,
        run_id=run.run_id,
        cell=record.cell.key,
        night=night_of(run),
        by=" ".join(by.split()),
        at=datetime.now(UTC),
        reason=" ".join(reason.split()),
        budgets={result.figure: result.value for result in record.over_budget if result.value is not None},
    )


def _checked(kind: type[_Kind], **fields: object) -> _Kind:
    try:
        return kind(**fields)
    except ValidationError as error:
        raise InvalidInput(f"The acceptance is not valid: {describe(error)}.") from error


def _keep(store: Store, acceptance: Acceptance, *, anew: bool) -> Acceptance:
    """Store an acceptance. If several are made at once, the first one counts."""
    content = acceptance.model_dump_json(indent=1).encode()
    if store.write(acceptance.key, content, only_if_absent=not anew):
        return acceptance
    first = read_acceptance(store, acceptance.sweep, acceptance.cell, acceptance.run_id)
    return first or acceptance


def _announce(store: Store, run: SweepRecord) -> None:
    """Update verdicts and reports, if there are any, of the run and of the sweep's later runs."""
    for line in reversed(run_lines(store)):
        later = line.started_at > run.started_at and line.sweep == run.spec.name and line.state in FINISHED
        if line.run_id == run.run_id or later:
            each, cells = load_run(store, line.run_id)
            if read_verdicts(store, line.run_id):
                judge_again(store, each)
            if store.exists(keys.report(line.run_id)):
                publish_report(store, each, cells)
