"""The report as a task, and the same table in the Prefect UI."""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict

from prefect import task
from prefect.artifacts import acreate_table_artifact

from qhas.record import CellRecord, Origin, SweepRecord
from qhas.report import publish_report as write_report
from qhas.rows import ORIGIN_TITLE, by_origin, columns, legend, row
from qhas.sites import site_table
from qhas.store import Store
from tasks.policy import STEP


@task(name="report", task_run_name="report {run.run_id}", **STEP)
async def publish_report(store: Store, run: SweepRecord, cells: list[CellRecord]) -> str:
    """Write the static page, a table artifact per origin of figures and one of the sites; the page's address."""
    address = await asyncio.to_thread(write_report, store, run, cells)
    for origin, records in by_origin(cells):
        await acreate_table_artifact(
            key=artifact_key(f"{run.spec.name}-{origin}"),
            table=_table(origin, records),
            description=f"{ORIGIN_TITLE[origin]}. {' '.join(legend(records))} Run {run.run_id}, report {address}",
        )
    if run.sites:
        await acreate_table_artifact(
            key=artifact_key(f"{run.spec.name}-sites"),
            table=site_table(run.sites),
            description=f"What each site did of its part. Run {run.run_id}, report {address}",
        )
    return address


def _table(origin: Origin, records: list[CellRecord]) -> list[dict[str, str]]:
    """The report's columns, and the note, which there stands below the op."""
    shown = columns(origin, records)
    rows = [asdict(row(record)) for record in records]
    return [{column.title: one[column.field] for column in shown} | {"note": one["note"]} for one in rows]


def artifact_key(name: str) -> str:
    """Prefect's artifact keys hold lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
