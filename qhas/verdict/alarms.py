"""Alarms: the cells that events and exit codes are about."""

from __future__ import annotations

from collections.abc import Collection

from qhas.sweep.spec import OnUpgrade
from qhas.verdict.model import CellVerdict, Verdict, headlines
from qhas.verdict.upgrade import apart_from_upgrades, slower_with_sdk


def newly_worse(verdicts: Collection[CellVerdict], on_upgrade: OnUpgrade) -> list[CellVerdict]:
    """Return a verdict per cell worse since this run, and, if the sweep asks for them, those slower with a new SDK."""
    own = [verdict for verdict in headlines(apart_from_upgrades(verdicts)).values() if _is_news(verdict)]
    return own if on_upgrade is OnUpgrade.TABLE else [*own, *slower_with_sdk(verdicts)]


def fails(verdicts: Collection[CellVerdict], on_upgrade: OnUpgrade) -> bool:
    """Whether the run's exit code is 1 because of the verdicts."""
    if any(verdict.verdict is Verdict.NEW for verdict in apart_from_upgrades(verdicts)):
        return True
    return on_upgrade is OnUpgrade.FAIL and bool(slower_with_sdk(verdicts))


def _is_news(verdict: CellVerdict) -> bool:
    drifts = verdict.verdict is Verdict.DRIFTING and verdict.since_run == verdict.run_id
    return verdict.verdict is Verdict.NEW or drifts
