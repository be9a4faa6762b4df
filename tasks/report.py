"""Verdicts and report of a run as tasks, and the report in the Prefect UI."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

from prefect.artifacts import acreate_link_artifact, acreate_markdown_artifact, acreate_table_artifact

from qhas.report.publish import publish_report as write_report
from qhas.runs import keys
from qhas.runs.links import LinkMaker
from qhas.runs.record import CellRecord, SweepRecord
from qhas.runs.rows import ORIGIN_TITLE, by_origin, legend, site_table
from qhas.store import Store
from qhas.verdict import CellVerdict
from qhas.verdict.judge import judge_run
from tasks.artifacts import artifact_key, cell_table, failure_page, links_of, trace_page
from tasks.policy import step


@step("judge", "judge {run.run_id}")
async def judge(store: Store, run: SweepRecord, records: list[CellRecord]) -> list[CellVerdict]:
    """Append the run to the history and judge it against the earlier ones; called again after re-runs."""
    return await asyncio.to_thread(judge_run, store, run, records)


@step("report", "report {run.run_id}")
async def publish_report(store: Store, run: SweepRecord, cells: list[CellRecord]) -> str:
    """Write the static page and the artifacts of the run, and return the page's address.

    The artifacts are a table per origin of figures, a page of the failures, a page that opens the traces, a table of the
    sites, and links as far as a browser can follow them.
    """
    address = await asyncio.to_thread(write_report, store, run, cells)
    links = LinkMaker(run.site, store)
    pages = {
        "failures": failure_page(run, cells, store),
        "traces": await asyncio.to_thread(trace_page, cells, store, links),
    }
    addresses = await asyncio.to_thread(_links, run, cells, links)
    await asyncio.gather(*_artifacts(run, cells, pages, addresses, f"Run {run.run_id}, report {address}"))
    return address


def _artifacts(
    run: SweepRecord,
    cells: list[CellRecord],
    pages: Mapping[str, str | None],
    addresses: Mapping[str, str],
    reference: str,
) -> Iterator[Coroutine[Any, Any, Any]]:
    """Yield a coroutine per artifact, so that they wait for the server together."""
    for origin, records in by_origin(cells):
        yield acreate_table_artifact(
            key=artifact_key(f"{run.spec.name}-{origin}"),
            table=cell_table(origin, records),
            description=f"{ORIGIN_TITLE[origin]}. {' '.join(legend(records))} {reference}",
        )
    for name, page in pages.items():
        if page:
            yield acreate_markdown_artifact(page, artifact_key(f"{run.spec.name}-{name}"), reference)
    if run.sites:
        yield acreate_table_artifact(
            key=artifact_key(f"{run.spec.name}-sites"),
            table=site_table(run.sites),
            description=f"What each site did of its part. {reference}",
        )
    for name, link in addresses.items():
        yield acreate_link_artifact(link, name, artifact_key(f"{run.spec.name}-{name}"), reference)


def _links(run: SweepRecord, cells: list[CellRecord], links: LinkMaker) -> dict[str, str]:
    """Return the link to the report and, if the run has only one cell, to its files; otherwise a page has those."""
    report = links.to(keys.report(run.run_id))
    of_cell = links_of(cells[0], links) if len(cells) == 1 else {}
    return ({"report": report} if report else {}) | of_cell
