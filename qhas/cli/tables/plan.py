"""A plan as a table for users and as JSON for programs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from qhas.cell.outlook import Outlook
from qhas.machine.secrets import masked
from qhas.sweep.plan import Plan
from qhas.units import counted


def plan_document(plan: Plan, outlook: Outlook) -> dict[str, Any]:
    """Return the plan and its outlook as one JSON document."""
    return {
        "cells": [cell.model_dump(mode="json") for cell in plan.cells],
        "excluded": plan.excluded,
        "prepared": None if outlook.unknown else sorted(outlook.prepared),
        "forecast_seconds": {
            key: forecast._asdict() | {"known": key in outlook.known}
            for key, forecast in outlook.forecasts.items()
        },
        "device_hours": outlook.device_seconds / 3600,
        "least_seconds": outlook.seconds,
        "expected_seconds": outlook.expected._asdict() if outlook.expected else None,
        "warnings": list(plan.warnings),
    }


def show_plan(console: Console, plan: Plan, outlook: Outlook) -> None:
    """Print a table of the cells and what they will take, then warnings and a summary."""
    table = Table(header_style="bold")
    for name in ("network", "SoC", "variant"):
        table.add_column(name)
    table.add_column("prepared")
    table.add_column("device s", justify="right")
    table.add_column("file")
    for cell in plan.cells:
        device = f"{outlook.forecasts[cell.key].device:.0f}"
        table.add_row(
            cell.model.name,
            cell.soc,
            cell.variant,
            "?" if outlook.unknown else "yes" if cell.key in outlook.prepared else "",
            device if cell.key in outlook.known else f"~{device}",
            Text(masked(cell.model.source)),
        )
    console.print(table)
    doubts = [f"Which graphs are already prepared is unknown: {outlook.unknown}"] if outlook.unknown else []
    for warning in (*plan.warnings, *doubts):
        console.print(warning, style="yellow", markup=False)
    console.print(_summary(plan, outlook), soft_wrap=True, highlight=False)


def _summary(plan: Plan, outlook: Outlook) -> str:
    known = len(outlook.known)
    basis = (
        f"{known} of {counted(len(plan.cells), 'cell')} by their last run, ~ is assumed"
        if known
        else "all assumed"
    )
    prepared = "" if outlook.unknown else f", {len(outlook.prepared)} already prepared"
    return (
        f"{counted(len(plan.cells), 'cell')}, {plan.excluded} left out{prepared}; "
        f"{outlook.device_seconds / 3600:.2f} device-hours ({basis}). "
        f"{_until(outlook, certain=known == len(plan.cells))}"
    )


def _until(outlook: Outlook, *, certain: bool) -> str:
    """Say how long the sweep will take and when it would end; assumed times are never given as a lower bound."""
    expected = outlook.expected
    seconds = expected.seconds if expected else outlook.seconds
    end = f"{datetime.now() + timedelta(seconds=seconds):%a %H:%M}"  # in the reader's local time
    if not expected and certain:
        return f"At least {_lasting(seconds)}: if started now, not before {end}."
    doubt = "" if certain else ", by assumption"
    if expected and expected.low is not None and expected.high is not None:
        doubt += f" {_lasting(expected.low)} to {_lasting(expected.high)} in eight cases out of ten"
    return f"About {_lasting(seconds)}{doubt}: if started now, until around {end}."


def _lasting(seconds: float) -> timedelta:
    return timedelta(seconds=round(seconds))
